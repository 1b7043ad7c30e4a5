"""The floods that `bench/abuse.py` measures a site under."""

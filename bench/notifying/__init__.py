"""The parts of bench/notify.py: a mail server, and a site whose runs end."""

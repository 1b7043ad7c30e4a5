"""The parts of bench/publish.py: what is published, how it is measured, and one module a target."""

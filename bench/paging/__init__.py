"""The parts of bench/pages.py."""

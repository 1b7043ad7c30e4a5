"""The parts of bench/join.py: the master, what runs on it, and a rival that has none."""

"""Parts of bench/features.py: suites, the commands that run them, and the cost of a run."""

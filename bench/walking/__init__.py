"""What bench/features.py measures with: suites, the ways to walk them, and what a walk costs."""

"""Check a worker's machine: what is right, what is wrong, and what to do about it."""

"""Sessions with a desktop program."""

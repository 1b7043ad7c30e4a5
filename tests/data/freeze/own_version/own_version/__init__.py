"""A program that knows its own version."""

"""What is in the pantry, and what must be bought."""

__version__ = "0.3.0"

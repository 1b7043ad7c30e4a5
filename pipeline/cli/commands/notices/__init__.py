"""Commands for notices."""

"""Commands for gates and environments."""

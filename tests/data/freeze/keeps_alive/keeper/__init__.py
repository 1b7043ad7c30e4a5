"""Objects that C holds."""

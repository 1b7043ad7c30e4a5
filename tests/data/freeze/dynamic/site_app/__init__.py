"""By name."""

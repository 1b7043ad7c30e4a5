"""The installer stage."""

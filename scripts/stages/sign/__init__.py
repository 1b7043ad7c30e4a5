"""The sign stage."""

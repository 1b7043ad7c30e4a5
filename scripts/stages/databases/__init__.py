"""The databases stage."""

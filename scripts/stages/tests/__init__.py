"""The tests stage."""

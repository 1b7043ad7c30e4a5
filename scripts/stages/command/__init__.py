"""The command stage."""

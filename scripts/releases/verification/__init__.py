"""Verify that a release is what its site made: by whom, from what, and that there is none newer."""

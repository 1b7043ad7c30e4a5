"""Check that a frozen tree holds the libraries that its binaries load."""

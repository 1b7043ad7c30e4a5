"""A release's version, and the project's own."""

"""A tool."""

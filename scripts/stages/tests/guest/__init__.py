"""Guests inside the application's own Python, for its test runners."""

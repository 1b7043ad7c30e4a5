"""Guests inside the application's own Python: the standard library and its SQLAlchemy only."""

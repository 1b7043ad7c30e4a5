"""The application's own Python environment."""

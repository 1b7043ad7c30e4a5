"""What runs inside the application's own Python; this folder alone is on its path."""

"""What runs inside the application's own test runners; this folder alone is on their path."""

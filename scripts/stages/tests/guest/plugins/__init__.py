"""Plugin inside the application's own test runners; only this folder is on their path."""

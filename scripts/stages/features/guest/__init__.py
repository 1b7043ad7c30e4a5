"""Guest inside the application's own Python; only this folder is on its path."""

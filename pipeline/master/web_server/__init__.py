"""Web server connections with limits of number, size and time."""

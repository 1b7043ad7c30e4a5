"""What runs inside the application's own Python: its runners' neighbours."""

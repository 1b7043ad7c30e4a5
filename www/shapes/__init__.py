"""What endpoints take and give, as JSON."""

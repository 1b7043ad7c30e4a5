"""What starts stages as users of their own, beside a worker that cannot."""

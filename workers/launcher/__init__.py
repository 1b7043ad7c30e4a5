"""Launchers that start stages as separate users, beside a worker that cannot."""

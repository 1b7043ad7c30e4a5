"""Notices: what has happened, for people, and the contract of what sends them."""

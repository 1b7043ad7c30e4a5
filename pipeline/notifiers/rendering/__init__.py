"""Notices as text and as pages, for all kinds of notifiers that people read."""

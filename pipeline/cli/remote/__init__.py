"""Asking a master over HTTP, here or elsewhere."""

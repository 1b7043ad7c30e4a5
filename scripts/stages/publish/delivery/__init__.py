"""Bring a release to its targets: side by side, verified, and always safe to do again."""

"""The notifier `commit-status`."""

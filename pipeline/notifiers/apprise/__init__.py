"""The notifier `apprise`."""

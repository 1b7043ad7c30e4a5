"""The notifier `webhook`: signed JSON to a URL."""

"""The notifier `email`: mails by any SMTP server."""

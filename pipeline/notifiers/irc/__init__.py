"""The notifier `irc`: lines in channels of an IRC network."""

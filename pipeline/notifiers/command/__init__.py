"""The notifier `command`: a program that gets each notice as JSON."""

"""What is kept of a freeze, so that the next one does only what has changed."""

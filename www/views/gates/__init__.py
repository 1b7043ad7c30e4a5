"""Gates as they are shown."""

"""What the steps stand on: a site of its own, and people who visit it."""

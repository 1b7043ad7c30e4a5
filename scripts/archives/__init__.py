"""Archives: written the same each time, read with distrust."""

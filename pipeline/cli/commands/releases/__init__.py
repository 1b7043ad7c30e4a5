"""Commands that download, list and verify the outputs of runs."""

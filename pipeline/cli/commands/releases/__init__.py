"""Commands that fetch, list and verify what runs have made."""

"""Commands for the administrators of a site."""

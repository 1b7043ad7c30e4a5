"""Commands for whoever keeps a site."""

"""What every page that Slipway writes has in common: markup, colours."""

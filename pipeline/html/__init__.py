"""What all pages that Slipway writes have in common: templates, colours, pictures."""

"""Common parts of all pages that Slipway writes: templates, colours, pictures."""

"""Where secrets are kept, how they may be written, and texts without them."""

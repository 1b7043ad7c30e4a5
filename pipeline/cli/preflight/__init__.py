"""What `slipway check` finds beyond the file itself."""

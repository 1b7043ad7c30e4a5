"""Checks of `slipway check` beyond the file itself."""

"""A plugin of Slipway."""

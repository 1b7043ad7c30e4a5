"""The target `confluence`."""

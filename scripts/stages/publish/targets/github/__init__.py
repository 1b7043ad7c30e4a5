"""The target `github`."""

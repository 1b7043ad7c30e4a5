"""The target `gitlab`."""

"""The target `folder`."""

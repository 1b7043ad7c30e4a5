"""The target `pypi`."""

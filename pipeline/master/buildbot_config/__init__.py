"""Buildbot's configuration, made from the model."""

"""Buildbot master: builders, schedulers, workers and access, made from the model."""

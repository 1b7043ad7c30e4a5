"""What Buildbot is configured with, made from the model."""

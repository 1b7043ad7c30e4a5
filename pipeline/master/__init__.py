"""model -> Buildbot: builders, schedulers, workers, access."""

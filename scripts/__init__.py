"""What runs on a worker, or on a developer's own machine: the real work of each stage.

Nothing here imports Buildbot or Twisted: a machine without a master runs it as it is.
"""

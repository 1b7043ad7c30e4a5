"""Run the real work of each stage, on a worker or on a developer's machine.

Nothing here imports Buildbot or Twisted, so it also runs on a machine without a master.
"""

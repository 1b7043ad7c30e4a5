"""Model of a pipeline: frozen pydantic models and the graph's rules. No Buildbot, no I/O."""

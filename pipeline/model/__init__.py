"""What a pipeline is: frozen models and the graph's rules. Pure: no Buildbot, no I/O."""

"""Guest on the deployment's target machine: standard library only."""

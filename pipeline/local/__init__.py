"""Run a pipeline on this machine, without a master (`slipway run`)."""

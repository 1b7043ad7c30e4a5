"""`slipway run`: a pipeline on this machine, without a master."""

"""Settings of each kind: what all stages, deployers, targets and notifiers share."""

"""Places of stages on a worker: a fresh folder for each attempt."""

"""Where stages lie on a worker: a fresh folder for each."""

"""Gates on a running master: asked for, approved, due, and the secrets given for them."""

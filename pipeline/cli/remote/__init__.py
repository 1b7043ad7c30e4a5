"""Access to a master over HTTP, on this machine or elsewhere."""

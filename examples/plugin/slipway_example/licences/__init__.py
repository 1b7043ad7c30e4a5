"""The kind of stage `licences`."""

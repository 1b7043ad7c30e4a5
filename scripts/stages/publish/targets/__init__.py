"""The built-in targets of releases, one folder for each kind."""

"""Commands that do their work on this machine, without a master."""

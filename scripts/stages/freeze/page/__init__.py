"""The report page of a freeze."""

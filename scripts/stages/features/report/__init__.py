"""The report of a features run."""

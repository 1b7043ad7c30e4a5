"""The database of runs, stage results, artefacts and releases."""

"""The ledger: the database of runs, stage results, artefacts and releases."""

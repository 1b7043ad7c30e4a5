"""Where a release comes from, as in-toto statements with the predicate of SLSA."""

"""Artefacts: the store of the files that stages produce, and its pruning."""

"""Isolation of a local worker from the master's files and processes."""

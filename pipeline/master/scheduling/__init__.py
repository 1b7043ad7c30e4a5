"""Scheduling, from a commit to build requests: polls, runs, dispatch, recovery."""

"""From a commit to build requests: polls, runs, dispatch, recovery."""

"""The kinds of stages: a room for each, which knows none of the others."""

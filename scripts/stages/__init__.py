"""The kinds of stages: one package each, independent of the others."""

"""pipeline.toml -> model: reading, line numbers, error messages, the JSON Schema."""

from slipway.config.reading import ConfigProblems, Problem, parse, read

__all__ = ["ConfigProblems", "Problem", "parse", "read"]

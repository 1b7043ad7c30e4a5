"""Read pipeline.toml into the model: parsing, line numbers, error messages, the JSON Schema."""

from slipway.config.reading import ConfigProblems, Problem, Reading, parse, read, read_closely

__all__ = ["ConfigProblems", "Problem", "Reading", "parse", "read", "read_closely"]

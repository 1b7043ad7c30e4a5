"""Read secrets from the places named in pipeline.toml."""

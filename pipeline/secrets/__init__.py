"""Reading secrets from where pipeline.toml says they are."""

"""Secrets: locations, encoded forms and masking."""

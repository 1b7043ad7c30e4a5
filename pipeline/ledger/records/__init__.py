"""Converters of rows to the records of `slipway.model.records`."""

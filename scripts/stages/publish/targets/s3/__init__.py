"""The target `s3`."""

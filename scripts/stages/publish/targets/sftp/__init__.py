"""The target `sftp`."""

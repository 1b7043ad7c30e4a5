"""The target `webdav`."""

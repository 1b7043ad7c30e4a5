"""Read what binaries of Windows and Linux say of themselves."""

"""Sessions over plain HTTP."""

"""The same book, tested with unittest classes; nose2 runs them."""

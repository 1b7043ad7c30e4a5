"""Sessions for behave, pytest, unittest and nose2."""

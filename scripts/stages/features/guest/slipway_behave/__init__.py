"""Run behave and report events; uses the standard library and behave only."""

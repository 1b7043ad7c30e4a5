"""Runs behave and tells what happens: the standard library and behave alone."""

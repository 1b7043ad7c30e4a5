"""Slipway on Windows: a real Windows Python and Git for Windows, under Wine."""

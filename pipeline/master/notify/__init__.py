"""Telling people what has happened."""

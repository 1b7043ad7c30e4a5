"""Connections to the web server, within bounds."""

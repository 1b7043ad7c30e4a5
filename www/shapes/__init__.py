"""Shapes (JSON models) of the endpoints' requests and answers."""

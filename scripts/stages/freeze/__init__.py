"""The freeze stage."""

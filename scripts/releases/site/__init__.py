"""The static site of a project's releases: pages, feeds and pointers, from facts alone."""

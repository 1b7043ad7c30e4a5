"""A sitecustomize that records what a program uses."""

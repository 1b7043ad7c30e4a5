"""The target `command`: a program of your own brings the files."""

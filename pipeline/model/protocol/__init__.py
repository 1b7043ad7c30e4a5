"""Protocol between a master, its workers and their scripts."""

"""Parts of bench/freeze.py: the projects it freezes."""

"""PostgreSQL's programs, and servers of our own."""

"""PostgreSQL's programs, and temporary servers."""

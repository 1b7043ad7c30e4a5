"""Keys and signatures of releases: who made them, and that nobody else did."""

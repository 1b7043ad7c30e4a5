"""What runs on the machine that is deployed to: the standard library alone."""

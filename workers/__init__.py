"""Setting up the machines that run stages."""

"""What a release says of itself, and whether it is still true."""

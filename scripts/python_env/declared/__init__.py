"""What projects say that they need, in all the places where projects say it."""

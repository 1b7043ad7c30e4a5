"""What the steps stand on: the program under test, and two ways to walk its pages."""

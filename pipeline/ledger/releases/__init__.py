"""What is decided on releases once they are there: channels, and blocks."""

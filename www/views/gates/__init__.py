"""Views of gates."""

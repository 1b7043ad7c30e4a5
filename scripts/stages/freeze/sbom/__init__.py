"""The bill of materials of a frozen program."""

"""What is in a frozen tree: its files, and what each belongs to."""

"""The files that stages leave: the store, and what is removed from it."""

"""What endpoints do: each hands on to the master's schedulers and gatekeepers."""

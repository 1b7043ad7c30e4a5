"""The clean room: a root file system with what each Linux has, and nothing else."""

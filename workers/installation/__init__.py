"""Install a worker on its machine: its account, its folder, its service."""

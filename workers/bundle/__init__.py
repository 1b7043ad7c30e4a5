"""The bundle that sets up a worker on another machine in one go."""

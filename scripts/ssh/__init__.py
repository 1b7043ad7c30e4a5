"""The system's own ssh: how it is called, and what its refusals mean."""

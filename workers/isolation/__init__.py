"""How a local worker is kept from what is the master's."""

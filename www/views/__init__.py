"""What endpoints read: a constant number of statements each, whatever there is in the ledger."""

"""Commands about people: passwords, tokens, the audit trail."""

"""Commands about people: passwords, tokens, what they have done."""

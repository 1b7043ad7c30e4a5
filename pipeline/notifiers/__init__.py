"""Kinds of notifiers, a folder each; none knows another, nor the master."""

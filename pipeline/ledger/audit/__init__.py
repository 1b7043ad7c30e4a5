"""The audit trail: recorded, chained, read."""

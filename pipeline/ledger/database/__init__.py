"""Database layer of the ledger: sessions, migrations, backups, durable commits."""

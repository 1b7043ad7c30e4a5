"""The database below the ledger: sessions, migrations, backups, what was committed."""

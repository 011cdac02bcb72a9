"""The case store: encrypted database and images, audit record, backups. Nothing is overwritten, nothing is plain."""

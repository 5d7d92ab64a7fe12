"""Django's backend for PostgreSQL with short waits for a server that does not respond."""

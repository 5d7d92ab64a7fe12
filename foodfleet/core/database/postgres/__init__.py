"""Django's backend for PostgreSQL, such that no caller waits long for a server that does not answer."""

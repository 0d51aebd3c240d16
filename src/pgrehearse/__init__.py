"""See everything that a change would do to a PostgreSQL database, in a transaction that cannot commit."""

__version__ = "0.1.0"

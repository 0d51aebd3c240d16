"""Text to statements, as psql reads it: no database is touched here."""

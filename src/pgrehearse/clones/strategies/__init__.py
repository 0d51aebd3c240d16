"""The ways to copy a database."""

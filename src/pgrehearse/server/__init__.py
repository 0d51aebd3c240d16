"""A local PostgreSQL: find the binaries, start it, share it, stop it."""

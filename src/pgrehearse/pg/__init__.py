"""A session with a PostgreSQL server; the only importer of the driver."""

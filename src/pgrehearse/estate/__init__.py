"""The reference estate: the SQL and data of a governed database to rehearse on."""

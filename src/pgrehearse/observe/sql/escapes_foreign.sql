-- Foreign tables that may be written.
SELECT c.oid::bigint, c.relname::text
FROM pg_catalog.pg_foreign_table AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.ftrelid
JOIN pg_catalog.pg_foreign_server AS s ON s.oid = t.ftserver
JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
WHERE w.fdwname <> 'file_fdw'

-- Names of functions and relations by oid.
SELECT 'f', p.oid::bigint, p.proname::text FROM pg_catalog.pg_proc AS p WHERE p.oid = ANY (%(functions)s)
UNION ALL
SELECT 'r', c.oid::bigint, c.relname::text FROM pg_catalog.pg_class AS c WHERE c.oid = ANY (%(relations)s)

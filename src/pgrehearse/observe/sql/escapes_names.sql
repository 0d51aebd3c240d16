-- Names of functions, relations and types by oid; the types that only stand for a relation's rows are left out.
SELECT 'f', p.oid::bigint, p.proname::text FROM pg_catalog.pg_proc AS p WHERE p.oid = ANY (%(functions)s)
UNION ALL
SELECT 'r', c.oid::bigint, c.relname::text FROM pg_catalog.pg_class AS c WHERE c.oid = ANY (%(relations)s)
UNION ALL
SELECT 't', t.oid::bigint, t.typname::text
FROM pg_catalog.pg_type AS t
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
WHERE t.oid = ANY (%(types)s) AND COALESCE(c.relkind, 'c') = 'c'

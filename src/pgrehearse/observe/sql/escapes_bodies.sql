-- Bodies that may name one of the functions or relations of %(names)s.
SELECT p.oid::bigint, p.prosrc
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') AND p.prosrc ~* %(names)s

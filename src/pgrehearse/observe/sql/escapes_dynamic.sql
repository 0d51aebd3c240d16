-- Functions that may run what stands in no text of theirs: dynamic SQL, or SQL from another language; our own left out.
SELECT p.oid::bigint, p.proname::text
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.oid >= 16384
  AND l.lanname NOT IN ('c', 'internal')
  AND (l.lanname NOT IN ('sql', 'plpgsql') OR lower(p.prosrc COLLATE pg_catalog."C") ~ %(dynamic)s)
  AND NOT (p.pronamespace = pg_catalog.pg_my_temp_schema() AND p.proname ~ '^pgrehearse_[a-z_]+_[0-9a-f]{8}$')

-- The probes and marks that stand on these relations now; `number` is a mark's, 0 for a probe.
SELECT t.tgrelid::bigint,
       t.tgname,
       t.tgenabled::text,
       t.xmin::text,
       CASE WHEN p.proname = %(mark)s THEN split_part(encode(t.tgargs, 'escape'), '\000', 1)::integer ELSE 0 END
FROM pg_trigger AS t
JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE t.tgrelid = ANY(%(relations)s::oid[])
  AND p.pronamespace = pg_my_temp_schema()
  AND (p.proname = %(mark)s OR p.proname = ANY(%(probes)s))
ORDER BY t.tgrelid, t.tgname

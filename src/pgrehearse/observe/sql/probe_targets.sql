-- The relations to probe, by oid or by the name they have now, with what decides how: kind, whether rows are counted one by one, foreign keys that act on it.
SELECT c.oid::bigint,
       format('%%I.%%I', n.nspname, c.relname),
       c.relkind::text,
       c.relkind = 'f'
           OR c.relispartition
           OR EXISTS (SELECT FROM pg_inherits AS i WHERE c.oid IN (i.inhrelid, i.inhparent)),
       EXISTS (
           SELECT FROM pg_constraint AS f
           WHERE f.conrelid = c.oid AND f.contype = 'f' AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))
       )
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%(oids)s::oid[] || ARRAY(SELECT to_regclass(name)::oid FROM unnest(%(names)s::text[]) AS name))
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY 2

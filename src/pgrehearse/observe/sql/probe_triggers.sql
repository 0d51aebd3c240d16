-- The triggers that may be at work when rows of these relations change: the user's, and foreign keys that act; the
-- first column tells one version of the catalog's row from the next.
SELECT concat_ws(' ', t.oid, t.xmin, t.ctid, c.relname, c.relnamespace),
       t.oid::bigint,
       t.tgrelid::bigint,
       t.tgname,
       format('%%I.%%I', pn.nspname, p.proname),
       t.tgenabled::text,
       t.tgisinternal,
       CASE WHEN k.contype = 'f' THEN k.conname::text ELSE '' END
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_namespace AS pn ON pn.oid = p.pronamespace
LEFT JOIN pg_constraint AS k ON k.oid = t.tgconstraint
WHERE t.tgrelid = ANY(%s::oid[])
  AND t.tgenabled <> 'D'
  -- A partitioned table hands its row triggers on to its leaves, where each has a row of its own here.
  AND (c.relkind <> 'p' OR t.tgtype::integer & 1 = 0)
  AND (
      NOT t.tgisinternal
      OR t.tgparentid <> 0 AND t.tgconstraint = 0
      OR p.proname IN (
          'RI_FKey_cascade_del', 'RI_FKey_cascade_upd', 'RI_FKey_setnull_del', 'RI_FKey_setnull_upd',
          'RI_FKey_setdefault_del', 'RI_FKey_setdefault_upd'
      )
  )
  AND p.pronamespace <> pg_my_temp_schema()
ORDER BY t.tgrelid, t.tgname

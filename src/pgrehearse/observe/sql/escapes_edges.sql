-- What leads to what: (f)unction called, relation (r)ead, relation (w)ritten; e is a DDL command under an event trigger.
SELECT 'w', t.tgrelid::bigint, 'f', t.tgfoid::bigint, format('trigger %%I', t.tgname)
FROM pg_catalog.pg_trigger AS t
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
UNION ALL
SELECT 'w', k.confrelid::bigint, 'w', k.conrelid::bigint, format('foreign key %%I', k.conname)
FROM pg_catalog.pg_constraint AS k
WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
UNION ALL
SELECT 'w', h.inhparent::bigint, 'w', h.inhrelid::bigint, 'inheritance'
FROM pg_catalog.pg_inherits AS h
UNION ALL
SELECT e.kind, r.ev_class::bigint, e.kind, d.refobjid::bigint, 'view'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid, (VALUES ('r'), ('w')) AS e (kind)
WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND d.refobjid <> r.ev_class AND d.refobjid >= 16384 AND r.oid >= 16384
UNION ALL
SELECT 'f', d.objid::bigint, 'f', d.refobjid::bigint, 'body'
FROM pg_catalog.pg_depend AS d
WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'e', 0, 'f', e.evtfoid::bigint, format('event trigger %%I', e.evtname)
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtenabled <> 'D'

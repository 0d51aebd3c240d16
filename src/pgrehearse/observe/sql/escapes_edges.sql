-- What leads to what: (f)unction called, relation (r)ead, relation (w)ritten; e is a DDL command under an event trigger.
SELECT 'w', t.tgrelid::bigint, 'f', t.tgfoid::bigint, format('trigger %I', t.tgname)
FROM pg_catalog.pg_trigger AS t
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
UNION ALL
SELECT 'w', k.confrelid::bigint, 'w', k.conrelid::bigint, format('foreign key %I', k.conname)
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
SELECT CASE WHEN r.ev_type = '1' THEN 'r' ELSE 'w' END, r.ev_class::bigint, 'f', d.refobjid::bigint, 'rule'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'w', a.adrelid::bigint, 'f', d.refobjid::bigint, 'default'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_attrdef AS a ON a.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'w', COALESCE(NULLIF(k.conrelid, 0), a.attrelid)::bigint, 'f', d.refobjid::bigint, 'check'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_constraint AS k ON k.oid = d.objid
LEFT JOIN pg_catalog.pg_attribute AS a ON k.contypid <> 0 AND a.atttypid = k.contypid
WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
  AND (k.conrelid <> 0 OR a.attrelid IS NOT NULL)
UNION ALL
SELECT e.kind, p.polrelid::bigint, 'f', d.refobjid::bigint, 'policy'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_policy AS p ON p.oid = d.objid, (VALUES ('r'), ('w')) AS e (kind)
WHERE d.classid = 'pg_catalog.pg_policy'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'w', i.indrelid::bigint, 'f', d.refobjid::bigint, 'index'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_index AS i ON i.indexrelid = d.objid
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'f', d.objid::bigint, 'f', d.refobjid::bigint, 'body'
FROM pg_catalog.pg_depend AS d
WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'e', 0, 'f', e.evtfoid::bigint, format('event trigger %I', e.evtname)
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtenabled <> 'D'

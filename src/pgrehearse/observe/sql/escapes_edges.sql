-- What leads to what: (f)unction called, relation (r)ead, relation (w)ritten, value of a (t)ype made; e is a DDL command
-- under an event trigger.
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
SELECT CASE k.contypid WHEN 0 THEN 'w' ELSE 't' END, COALESCE(NULLIF(k.conrelid, 0), k.contypid)::bigint,
       'f', d.refobjid::bigint, 'check'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_constraint AS k ON k.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 't', t.oid::bigint, 't', COALESCE(NULLIF(t.typbasetype, 0), t.typelem)::bigint, 'type'
FROM pg_catalog.pg_type AS t
WHERE t.typbasetype >= 16384 OR t.typelem >= 16384
UNION ALL
SELECT 't', i.oid::bigint, 't', r.rngsubtype::bigint, 'range'
FROM pg_catalog.pg_range AS r, unnest(ARRAY[r.rngtypid, r.rngmultitypid]) AS i (oid)
WHERE r.rngsubtype >= 16384
UNION ALL
SELECT i.kind, i.oid::bigint, 't', a.atttypid::bigint, 'column'
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid,
     LATERAL (VALUES ('r', c.oid), ('w', c.oid), ('t', c.reltype)) AS i (kind, oid)
WHERE a.atttypid >= 16384 AND i.oid <> 0
UNION ALL
SELECT 'f', p.oid::bigint, 't', i.oid::bigint, 'type'
FROM pg_catalog.pg_proc AS p, unnest(p.proargtypes::oid[] || p.prorettype) AS i (oid)
WHERE p.oid >= 16384 AND i.oid >= 16384
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
SELECT 'w', k.partrelid::bigint, 'f', d.refobjid::bigint, 'partition key'
FROM pg_catalog.pg_depend AS d
JOIN pg_catalog.pg_partitioned_table AS k ON k.partrelid = d.objid
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'f', d.objid::bigint, 'f', d.refobjid::bigint, 'body'
FROM pg_catalog.pg_depend AS d
WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
UNION ALL
SELECT 'e', 0, 'f', e.evtfoid::bigint, format('event trigger %I', e.evtname)
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtenabled <> 'D'

-- Stored expressions that call a function of %(oids)s: what evaluates them (r: reading, w: writing the relation,
-- t: making a value of the type).
SELECT CASE WHEN r.ev_type = '1' THEN 'r' ELSE 'w' END, r.ev_class::bigint, m.oid
FROM pg_catalog.pg_rewrite AS r, LATERAL (
    SELECT (regexp_matches(r.ev_action::text, %(pattern)s))[1]::bigint AS oid) AS m
WHERE r.oid >= 16384
UNION ALL
SELECT 'w', d.adrelid::bigint, m.oid
FROM pg_catalog.pg_attrdef AS d, LATERAL (
    SELECT (regexp_matches(d.adbin::text, %(pattern)s))[1]::bigint AS oid) AS m
UNION ALL
SELECT 'w', k.conrelid::bigint, m.oid
FROM pg_catalog.pg_constraint AS k, LATERAL (
    SELECT (regexp_matches(k.conbin::text, %(pattern)s))[1]::bigint AS oid) AS m
WHERE k.conrelid <> 0
UNION ALL
SELECT 't', k.contypid::bigint, m.oid
FROM pg_catalog.pg_constraint AS k, LATERAL (
    SELECT (regexp_matches(k.conbin::text, %(pattern)s))[1]::bigint AS oid) AS m
WHERE k.contypid <> 0
UNION ALL
SELECT 'w', i.indrelid::bigint, m.oid
FROM pg_catalog.pg_index AS i, LATERAL (
    SELECT (regexp_matches(concat(i.indexprs::text, i.indpred::text), %(pattern)s))[1]::bigint AS oid) AS m
WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
UNION ALL
SELECT 'w', t.tgrelid::bigint, m.oid
FROM pg_catalog.pg_trigger AS t, LATERAL (
    SELECT (regexp_matches(t.tgqual::text, %(pattern)s))[1]::bigint AS oid) AS m
WHERE t.tgqual IS NOT NULL
UNION ALL
SELECT 'r', p.polrelid::bigint, m.oid
FROM pg_catalog.pg_policy AS p, LATERAL (
    SELECT (regexp_matches(concat(p.polqual::text, p.polwithcheck::text), %(pattern)s))[1]::bigint AS oid) AS m

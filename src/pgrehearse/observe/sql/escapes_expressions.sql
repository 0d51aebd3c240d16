-- Stored expressions that call one of the functions %(oids)s: what evaluates them (r: reading, w: writing the relation,
-- t: making a value of the type). There may be thousands, and most hold one call or two: those need no pattern.
SELECT x.kind, x.oid::bigint, (regexp_matches(x.tree, %(pattern)s, 'g'))[1]::bigint
FROM (
    SELECT CASE WHEN r.ev_type = '1' THEN 'r' ELSE 'w' END AS kind, r.ev_class AS oid, r.ev_action::text AS tree
    FROM pg_catalog.pg_rewrite AS r
    WHERE r.oid >= 16384
    UNION ALL
    SELECT 'w', d.adrelid, d.adbin::text FROM pg_catalog.pg_attrdef AS d
    UNION ALL
    SELECT CASE k.contypid WHEN 0 THEN 'w' ELSE 't' END, COALESCE(NULLIF(k.conrelid, 0), k.contypid), k.conbin::text
    FROM pg_catalog.pg_constraint AS k
    WHERE k.conbin IS NOT NULL
    UNION ALL
    SELECT 'w', i.indrelid, concat(i.indexprs::text, i.indpred::text)
    FROM pg_catalog.pg_index AS i
    WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
    UNION ALL
    SELECT 'w', t.tgrelid, t.tgqual::text FROM pg_catalog.pg_trigger AS t WHERE t.tgqual IS NOT NULL
    UNION ALL
    SELECT 'r', p.polrelid, concat(p.polqual::text, p.polwithcheck::text) FROM pg_catalog.pg_policy AS p
) AS x
WHERE CASE split_part(x.tree, 'funcid ', 4)
          WHEN '' THEN split_part(split_part(x.tree, 'funcid ', 2), ' ', 1) = ANY (%(oids)s::text[])
                    OR split_part(split_part(x.tree, 'funcid ', 3), ' ', 1) = ANY (%(oids)s::text[])
          ELSE x.tree ~ %(pattern)s
      END

-- What these objects are: a key that survives renaming, the key of the relation it belongs to, kind, name, its parts, and
-- a definition to show. Parts are compared one by one between two sessions, so none of them may wait for a lock that the
-- stage holds, as pg_get_constraintdef(), pg_get_viewdef() and pg_get_expr() do: what they would show is compared as the
-- server stores it. Only the stage itself is asked for a definition to show.
WITH relation AS (
    SELECT c.*, format('%%I.%%I', n.nspname, c.relname) AS name
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = ANY(%(pg_class)s::oid[])
      AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
)
SELECT 'class ' || c.oid,
       '',
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                      WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE 'type' END,
       c.name,
       jsonb_build_object(
           'name', c.name,
           'owner', pg_get_userbyid(c.relowner),
           'access', c.relacl::text,
           'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
           'options', c.reloptions::text,
           'row security', NULLIF(concat_ws(' ', CASE WHEN c.relrowsecurity THEN 'enabled' END,
                                            CASE WHEN c.relforcerowsecurity THEN 'forced' END), ''),
           'replica identity', NULLIF(c.relreplident::text, 'd'),
           'replica identity index', (SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
                                      WHERE x.indrelid = c.oid AND x.indisreplident),
           'clustered by', (SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
                            WHERE x.indrelid = c.oid AND x.indisclustered),
           'foreign options', (SELECT concat_ws(' ', f.ftserver, f.ftoptions::text) FROM pg_foreign_table AS f
                               WHERE f.ftrelid = c.oid),
           'partitioned', NULLIF(c.relkind::text = 'p', false),
           'parents', (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                       FROM pg_inherits AS i WHERE i.inhrelid = c.oid),
           'bound', md5(c.relpartbound::text),
           'query', (SELECT md5(r.ev_action::text) FROM pg_rewrite AS r
                     WHERE r.ev_class = c.oid AND r.rulename = '_RETURN'),
           'sequence', (SELECT concat_ws(' ', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment',
                                         s.seqincrement, 'minvalue', s.seqmin, 'maxvalue', s.seqmax, 'cache', s.seqcache,
                                         CASE WHEN s.seqcycle THEN 'cycle' END)
                        FROM pg_sequence AS s WHERE s.seqrelid = c.oid),
           -- Where it stands cannot be read past the lock of what sets it anew; that gives it a new file.
           'numbering', CASE WHEN c.relkind = 'S' THEN md5(c.relfilenode::text) END,
           'owned by', (SELECT format('%%I.%%I.%%I', n.nspname, o.relname, a.attname)
                        FROM pg_depend AS d
                        JOIN pg_class AS o ON o.oid = d.refobjid
                        JOIN pg_namespace AS n ON n.oid = o.relnamespace
                        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                        WHERE c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')),
           'comment', (SELECT d.description FROM pg_description AS d
                       WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0)
       ),
       NULL::text
FROM relation AS c
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
UNION ALL
SELECT format('column %%s %%s', a.attrelid, a.attnum), 'class ' || a.attrelid, 'column', format('%%s.%%I', c.name, a.attname),
       jsonb_build_object(
           'name', a.attname,
           'type', format_type(a.atttypid, a.atttypmod),
           'not null', NULLIF(a.attnotnull, false),
           'default', md5(d.adbin::text),
           'generated', NULLIF(a.attgenerated, ''),
           'identity', NULLIF(a.attidentity, ''),
           'collation', NULLIF(a.attcollation, t.typcollation),
           'storage', NULLIF(a.attstorage, t.typstorage),
           'compression', NULLIF(a.attcompression, ''),
           'statistics', NULLIF(a.attstattarget, -1),
           -- What the server keeps there for itself is left out.
           'options', (SELECT string_agg(o, ', ') FROM unnest(a.attoptions) AS o WHERE o LIKE 'n\_distinct%%'),
           'foreign options', a.attfdwoptions::text,
           'access', a.attacl::text,
           'comment', col_description(a.attrelid, a.attnum)
       ),
       NULL::text
FROM relation AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
UNION ALL
SELECT 'constraint ' || k.oid, 'class ' || c.oid, 'constraint', format('%%I on %%s', k.conname, c.name),
       jsonb_build_object(
           'name', k.conname,
           'definition', md5(concat_ws(' ', k.contype, k.conkey::text, k.confrelid, k.confkey::text, k.confupdtype,
                                       k.confdeltype, k.confmatchtype, k.condeferrable, k.condeferred, k.connoinherit,
                                       k.conbin::text, k.conexclop::text)),
           'validated', NULLIF(k.convalidated, true),
           'comment', obj_description(k.oid, 'pg_constraint')
       ),
       CASE WHEN %(shows)s THEN pg_get_constraintdef(k.oid) END
FROM relation AS c
JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0
UNION ALL
SELECT 'index ' || x.indexrelid, 'class ' || c.oid, 'index',
       format('%%I.%%I', n.nspname, i.relname),
       jsonb_build_object(
           'name', i.relname,
           'definition', md5(concat_ws(' ', i.relam, x.indisunique, x.indkey::text, x.indclass::text, x.indcollation::text,
                                       x.indoption::text, x.indexprs::text, x.indpred::text)),
           'valid', NULLIF(x.indisvalid, true),
           'options', i.reloptions::text,
           'comment', obj_description(i.oid, 'pg_class')
       ),
       CASE WHEN %(shows)s THEN pg_get_indexdef(x.indexrelid) END
FROM relation AS c
JOIN pg_index AS x ON x.indrelid = c.oid
JOIN pg_class AS i ON i.oid = x.indexrelid
JOIN pg_namespace AS n ON n.oid = i.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger ' || t.oid, 'class ' || c.oid, 'trigger', format('%%I on %%s', t.tgname, c.name),
       jsonb_build_object(
           'name', t.tgname,
           'definition', md5(concat_ws(' ', t.tgfoid, t.tgtype, t.tgattr::text, t.tgargs::text, t.tgqual::text, t.tgoldtable,
                                       t.tgnewtable, t.tgconstrrelid, t.tgdeferrable, t.tginitdeferred)),
           'enabled', CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'A' THEN 'always' WHEN 'R' THEN 'replica' END,
           'comment', obj_description(t.oid, 'pg_trigger')
       ),
       CASE WHEN %(shows)s THEN pg_get_triggerdef(t.oid) END
FROM relation AS c
JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgparentid = 0
UNION ALL
SELECT 'rule ' || r.oid, 'class ' || c.oid, 'rule', format('%%I on %%s', r.rulename, c.name),
       jsonb_build_object('name', r.rulename, 'definition', md5(concat(r.ev_type, r.is_instead, r.ev_qual::text, r.ev_action::text)),
                          'enabled', NULLIF(r.ev_enabled, 'O'), 'comment', obj_description(r.oid, 'pg_rewrite')),
       NULL::text
FROM relation AS c
JOIN pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'
UNION ALL
SELECT 'policy ' || p.oid, 'class ' || c.oid, 'policy', format('%%I on %%s', p.polname, c.name),
       jsonb_build_object('name', p.polname, 'command', p.polcmd, 'permissive', p.polpermissive,
                          'roles', (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END, ', ')
                                    FROM unnest(p.polroles) AS r),
                          'using', md5(p.polqual::text), 'check', md5(p.polwithcheck::text),
                          'comment', obj_description(p.oid, 'pg_policy')),
       NULL::text
FROM relation AS c
JOIN pg_policy AS p ON p.polrelid = c.oid

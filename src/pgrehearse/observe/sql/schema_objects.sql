-- The same of objects that are no relations: functions, types, schemas and the rest; see schema_relations.sql.
SELECT 'proc ' || p.oid, '', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
       format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
       jsonb_build_object(
           'name', format('%%I.%%I', n.nspname, p.proname),
           'owner', pg_get_userbyid(p.proowner),
           'access', p.proacl::text,
           'language', (SELECT l.lanname FROM pg_language AS l WHERE l.oid = p.prolang),
           'result', pg_get_function_result(p.oid),
           'arguments', md5(concat(pg_get_function_identity_arguments(p.oid), p.proargdefaults::text)),
           'body', md5(concat(p.prosrc, p.probin, p.prosqlbody::text)),
           'volatility', p.provolatile,
           'strict', NULLIF(p.proisstrict, false),
           'security', CASE WHEN p.prosecdef THEN 'definer' END,
           'parallel', p.proparallel,
           'leakproof', NULLIF(p.proleakproof, false),
           'cost', concat(p.procost, ' ', p.prorows),
           'settings', p.proconfig::text,
           'comment', obj_description(p.oid, 'pg_proc')
       ),
       NULL::text
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.oid = ANY(%(pg_proc)s::oid[]) AND n.nspname NOT LIKE 'pg\_%%'
UNION ALL
SELECT 'type ' || t.oid, '', CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, format('%%I.%%I', n.nspname, t.typname),
       jsonb_build_object(
           'name', format('%%I.%%I', n.nspname, t.typname),
           'owner', pg_get_userbyid(t.typowner),
           'access', t.typacl::text,
           'base type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
           'not null', NULLIF(t.typnotnull, false),
           'default', t.typdefault,
           'labels', (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid),
           'constraints', (SELECT string_agg(quote_ident(k.conname), ', ' ORDER BY k.conname)
                           FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c'),
           'checks', (SELECT md5(string_agg(k.conbin::text, ' ' ORDER BY k.conname))
                      FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c'),
           'comment', obj_description(t.oid, 'pg_type')
       ),
       NULL::text
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.oid = ANY(%(pg_type)s::oid[]) AND t.typtype IN ('d', 'e', 'r', 'b') AND t.typelem = 0 AND n.nspname NOT LIKE 'pg\_%%'
UNION ALL
SELECT 'namespace ' || n.oid, '', 'schema', quote_ident(n.nspname),
       jsonb_build_object('name', n.nspname, 'owner', pg_get_userbyid(n.nspowner), 'access', n.nspacl::text,
                          'comment', obj_description(n.oid, 'pg_namespace')),
       NULL::text
FROM pg_namespace AS n
WHERE n.oid = ANY(%(pg_namespace)s::oid[]) AND n.nspname NOT LIKE 'pg\_%%'
UNION ALL
SELECT 'extension ' || e.oid, '', 'extension', quote_ident(e.extname),
       jsonb_build_object('name', e.extname, 'version', e.extversion, 'schema', e.extnamespace::regnamespace::text),
       NULL::text
FROM pg_extension AS e
WHERE e.oid = ANY(%(pg_extension)s::oid[])
UNION ALL
SELECT 'event trigger ' || e.oid, '', 'event trigger', quote_ident(e.evtname),
       jsonb_build_object('name', e.evtname, 'event', e.evtevent, 'enabled', e.evtenabled, 'tags', e.evttags::text,
                          'function', e.evtfoid::regproc::text, 'owner', pg_get_userbyid(e.evtowner),
                          'comment', obj_description(e.oid, 'pg_event_trigger')),
       NULL::text
FROM pg_event_trigger AS e
WHERE e.oid = ANY(%(pg_event_trigger)s::oid[])
UNION ALL
SELECT 'statistics ' || s.oid, '', 'statistics', format('%%I.%%I', n.nspname, s.stxname),
       jsonb_build_object('name', s.stxname, 'owner', pg_get_userbyid(s.stxowner), 'kinds', s.stxkind::text,
                          'columns', s.stxkeys::text, 'expressions', md5(s.stxexprs::text),
                          'target', NULLIF(s.stxstattarget, -1), 'comment', obj_description(s.oid, 'pg_statistic_ext')),
       NULL::text
FROM pg_statistic_ext AS s
JOIN pg_namespace AS n ON n.oid = s.stxnamespace
WHERE s.oid = ANY(%(pg_statistic_ext)s::oid[])
UNION ALL
SELECT 'default access ' || d.oid, '', 'default access', concat_ws(' ', pg_get_userbyid(d.defaclrole), d.defaclnamespace::regnamespace),
       jsonb_build_object('kind', d.defaclobjtype, 'access', d.defaclacl::text),
       NULL::text
FROM pg_default_acl AS d
WHERE d.oid = ANY(%(pg_default_acl)s::oid[])
UNION ALL
SELECT 'publication ' || p.oid, '', 'publication', quote_ident(p.pubname),
       jsonb_build_object('name', p.pubname, 'owner', pg_get_userbyid(p.pubowner), 'all tables', p.puballtables,
                          'publishes', concat_ws(' ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                                 CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
                          'via root', NULLIF(p.pubviaroot, false), 'comment', obj_description(p.oid, 'pg_publication'),
                          'tables', (SELECT string_agg(r.prrelid::regclass::text, ', ' ORDER BY r.prrelid)
                                     FROM pg_publication_rel AS r WHERE r.prpubid = p.oid)),
       NULL::text
FROM pg_publication AS p
WHERE p.oid = ANY(%(pg_publication)s::oid[])

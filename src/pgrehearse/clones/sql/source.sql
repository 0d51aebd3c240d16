-- What a copy of a database needs to know of it. The columns of the locale differ between major versions.
SELECT d.oid::bigint,
       pg_get_userbyid(d.datdba)::text,
       CASE WHEN has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'MEMBER')
            THEN pg_database_size(d.oid) END,
       pg_encoding_to_char(d.encoding)::text,
       d.datlocprovider::text,
       d.datcollate::text,
       d.datctype::text,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
       to_jsonb(d) ->> 'daticurules',
       (SELECT count(*) FROM pg_stat_activity AS a
         WHERE a.datid = d.oid AND a.pid <> pg_backend_pid() AND a.usename IS NOT NULL)::int
  FROM pg_database AS d
 WHERE d.datname = %(name)s

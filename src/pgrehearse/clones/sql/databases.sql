-- The databases of the server, or the one named, with what was set for them: marks live there, where neither a
-- template copy nor the SET of a session reaches. Settings of a role in a database are no mark, but a production
-- declared in any of these ways is one.
SELECT d.datname::text,
       d.oid::bigint,
       d.datistemplate,
       d.datallowconn,
       coalesce((SELECT s.setconfig
                   FROM pg_db_role_setting AS s
                  WHERE s.setdatabase = d.oid AND s.setrole = 0), '{}') AS settings,
       EXISTS (SELECT
                 FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting
                WHERE s.setdatabase IN (0, d.oid)
                  AND lower(setting) ~ '^pgrehearse[.]production=.') AS is_production
  FROM pg_database AS d
 WHERE %(name)s::text IS NULL OR d.datname = %(name)s
 ORDER BY d.datname

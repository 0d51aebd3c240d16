-- What ALTER DATABASE … SET and ALTER ROLE … IN DATABASE … SET set for one database; marks are not settings.
SELECT pg_get_userbyid(nullif(s.setrole, 0))::text, split_part(setting, '=', 1),
       substr(setting, strpos(setting, '=') + 1)
  FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting
 WHERE s.setdatabase = %(oid)s AND lower(setting) !~ '^pgrehearse[.]'
 ORDER BY 1 NULLS FIRST, 2

SELECT datname::text,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'MEMBER')
            THEN pg_catalog.pg_database_size(oid) END
  FROM pg_catalog.pg_database

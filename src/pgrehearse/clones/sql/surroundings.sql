-- What is around the database of this session. Roles that may not see others' sessions get no backend_type.
SELECT pg_is_in_recovery(),
       current_database() LIKE %(plan_pattern)s,
       current_database() LIKE %(config_pattern)s,
       coalesce(current_setting('pgrehearse.production', true), '') <> '',
       ARRAY(SELECT subname::text
               FROM pg_subscription
              WHERE subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
              ORDER BY 1),
       ARRAY(SELECT slot_name::text
               FROM pg_replication_slots
              WHERE active AND database = current_database()
              ORDER BY 1),
       ARRAY(SELECT format('%%s (pid %%s, %%s)', usename, pid, coalesce(nullif(application_name, ''), 'no name'))
               FROM pg_stat_activity
              WHERE datname = current_database()
                AND pid <> pg_backend_pid()
                AND usename IS NOT NULL
                AND coalesce(backend_type, 'client backend') = 'client backend'
              ORDER BY pid)

-- The database that holds the ledger, and whether it is a clone: what is dropped at will keeps no ledger.
SELECT current_database()::text,
       EXISTS (
           SELECT
           FROM pg_db_role_setting, unnest(setconfig) AS setting
           WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND setrole = 0
             AND lower(setting) LIKE 'pgrehearse.clone=%'
       )

-- Of databases given by token and time of creation, the places in the list of those whose maker holds no lock.
SELECT made.place::int
  FROM unnest(%s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS made (token, created_at, place)
 WHERE NOT EXISTS (SELECT
                     FROM pg_catalog.pg_locks AS l
                    WHERE l.locktype = 'advisory' AND l.objsubid = 1
                      AND l.classid::bigint = %s AND l.objid::bigint = made.token)
   AND created_at <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %s)
 ORDER BY made.place

-- Functions that are escapes by their language, their library or their name, or whose bodies may hold one; and those
-- that keep the server from telling what they run, by a SET clause of their own. To compile a pattern that ignores case
-- takes a new backend longer than all else here; the names are ASCII, so texts are lowered instead, as C does. The list
-- of names comes from a subquery, for the planner would look at each of them. The last column: are there foreign tables?
SELECT p.oid::bigint, p.proname::text, l.lanname::text, COALESCE(p.probin, '')::text,
       CASE WHEN p.oid < 16384 OR l.lanname = 'c' THEN '' ELSE p.prosrc END,
       NOT l.lanpltrusted AND l.lanname NOT IN ('c', 'internal'),
       p.oid < 16384 OR l.lanname = 'internal',
       p.oid >= 16384 AND COALESCE(lower(p.proconfig::text COLLATE pg_catalog."C") ~ %(quiet)s, false),
       EXISTS (SELECT FROM pg_catalog.pg_foreign_table)
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE (p.oid < 16384 AND p.proname = ANY ((SELECT %(functions)s::name[])::name[]))
   OR (p.oid >= 16384 AND lower(p.proconfig::text COLLATE pg_catalog."C") ~ %(quiet)s)
   OR (p.oid >= 16384
       AND CASE l.lanname
               WHEN 'c' THEN p.probin ~ %(libraries)s
               WHEN 'internal' THEN p.prosrc IN (
                   SELECT b.prosrc FROM pg_catalog.pg_proc AS b
                   WHERE b.oid < 16384 AND b.proname = ANY ((SELECT %(functions)s::name[])::name[]))
               ELSE NOT l.lanpltrusted OR lower(p.prosrc COLLATE pg_catalog."C") ~ %(bodies)s
           END)

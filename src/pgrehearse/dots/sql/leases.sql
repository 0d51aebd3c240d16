-- Leases that are held now.
SELECT name, holder, term,
       to_char(acquired_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
FROM pgrehearse_dots.lease
WHERE expires_at > clock_timestamp()
ORDER BY name

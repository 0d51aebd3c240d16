-- More time for this very holding. One that has expired is not brought back, even where nobody took it.
UPDATE pgrehearse_dots.lease
SET renewed_at = clock_timestamp(),
    expires_at = clock_timestamp() + make_interval(secs => %(ttl_s)s)
WHERE name = %(name)s
  AND holder = %(holder)s
  AND term = %(term)s
  AND expires_at > clock_timestamp()
RETURNING term

-- The lease, where nobody holds it. Who waits for the row sees it as it is then, and by the clock of then.
INSERT INTO pgrehearse_dots.lease AS held (name, holder, term, acquired_at, renewed_at, expires_at)
VALUES (%(name)s, %(holder)s, 1, clock_timestamp(), clock_timestamp(),
        clock_timestamp() + make_interval(secs => %(ttl_s)s))
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder,
    term = held.term + 1,
    acquired_at = clock_timestamp(),
    renewed_at = clock_timestamp(),
    expires_at = clock_timestamp() + make_interval(secs => %(ttl_s)s)
WHERE held.expires_at <= clock_timestamp()
RETURNING term

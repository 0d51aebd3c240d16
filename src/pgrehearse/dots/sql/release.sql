-- The end of this very holding. The row stays, for its term.
UPDATE pgrehearse_dots.lease
SET expires_at = '-infinity'
WHERE name = %(name)s
  AND holder = %(holder)s
  AND term = %(term)s
  AND expires_at > clock_timestamp()
RETURNING term

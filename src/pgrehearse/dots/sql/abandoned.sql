-- Runs that are not at their end although nobody holds their lease any more.
SELECT last.run_id
FROM (
    SELECT DISTINCT ON (run_id) run_id, seq, state, lease, holder, term
    FROM pgrehearse_dots.ledger
    ORDER BY run_id, seq DESC
) AS last
WHERE last.state IN ('planned', 'running')
  AND last.term IS NOT NULL
  AND NOT EXISTS (
    SELECT
    FROM pgrehearse_dots.lease AS held
    WHERE held.name = last.lease
      AND held.holder = last.holder
      AND held.term = last.term
      AND held.expires_at > clock_timestamp()
)
ORDER BY last.seq

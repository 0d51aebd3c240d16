-- The end of a run whose holder is gone, as its last row describes it.
INSERT INTO pgrehearse_dots.ledger (
    run_id, state, code, action, place, target, lease, holder, term, script_sha256, parameters_digest, gates, reason
)
SELECT run_id, 'lost', code, action, place, target, lease, holder, term, script_sha256, parameters_digest, gates,
       %(reason)s
FROM pgrehearse_dots.ledger
WHERE run_id = %(run_id)s
ORDER BY seq DESC
LIMIT 1
RETURNING seq

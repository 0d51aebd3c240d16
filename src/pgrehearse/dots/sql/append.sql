-- One state of one run. What is not given here is set by the ledger itself.
INSERT INTO pgrehearse_dots.ledger (
    run_id, state, code, action, place, target, lease, holder, term, script_sha256, parameters_digest, gates,
    exit_status, duration_ms, output_tail, evidence_digest, reason
)
VALUES (
    %(run_id)s, %(state)s, %(code)s, %(action)s, %(place)s, %(target)s, %(lease)s, %(holder)s, %(term)s,
    %(script_sha256)s, %(parameters_digest)s, %(gates)s, %(exit_status)s, %(duration_ms)s, %(output_tail)s,
    %(evidence_digest)s, %(reason)s
)
RETURNING seq, digest

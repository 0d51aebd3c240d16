-- Each run in its last state, oldest first, with the time from its first row to its last.
SELECT DISTINCT ON (run.first_seq)
       row.run_id, row.code, row.state, row.action, row.place, row.target, row.lease, row.holder, row.term,
       row.script_sha256, row.exit_status, row.duration_ms, row.output_tail, row.evidence_digest, row.reason,
       row.gates::text,
       to_char(run.began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       to_char(row.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       row.seq, row.digest
FROM pgrehearse_dots.ledger AS row
JOIN (
    SELECT run_id, min(seq) AS first_seq, min(recorded_at) AS began_at
    FROM pgrehearse_dots.ledger
    GROUP BY run_id
) AS run USING (run_id)
WHERE (%(code)s::text IS NULL OR row.code = %(code)s)
  AND (%(run_id)s::text IS NULL OR row.run_id = %(run_id)s)
ORDER BY run.first_seq, row.seq DESC

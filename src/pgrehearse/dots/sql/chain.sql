-- Every row as the text that was digested, with what links it to the others.
SELECT row.seq, row.previous, row.digest, (to_jsonb(row) - 'digest')::text
FROM pgrehearse_dots.ledger AS row
ORDER BY row.seq

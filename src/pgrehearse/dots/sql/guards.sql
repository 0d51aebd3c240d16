-- The triggers that guard lease and ledger, with the state that each must have: enabled always.
SELECT format('%s on %s', guard.name, guard.relation)
FROM (
    VALUES
        ('enter', 'pgrehearse_dots.ledger'),
        ('keep', 'pgrehearse_dots.ledger'),
        ('keep_row', 'pgrehearse_dots.lease'),
        ('keep_table', 'pgrehearse_dots.lease')
) AS guard (name, relation)
LEFT JOIN pg_trigger ON tgrelid = guard.relation::regclass AND tgname = guard.name AND tgenabled = 'A'
WHERE tgname IS NULL
ORDER BY 1

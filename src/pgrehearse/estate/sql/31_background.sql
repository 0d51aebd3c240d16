-- Rows that are just there. The setting estate.scale multiplies issues and their labels.

INSERT INTO system_issues (code, title, severity, status, source, date_created, _dot_origin)
SELECT 'ISS-' || to_char(n, 'FM0000000'),
       format('Row %s of the check is missing', n % 1000),
       (ARRAY['info', 'warning', 'critical'])[1 + n % 3],
       CASE WHEN n % 5 = 0 THEN 'closed' ELSE 'open' END,
       'dot-hc-executor',
       timestamptz '2026-05-01 00:00:00+00' + make_interval(secs => n),
       'DOT-001'
FROM generate_series(1, 200 * current_setting('estate.scale')::integer) AS n;

-- 2,035 documents with one old label each, spread over twenty terms.
INSERT INTO entity_labels (entity_code, label_code, assigned_by, assigned_at)
SELECT 'KNW-' || to_char(n, 'FM0000'),
       term.code,
       'user',
       timestamptz '2026-03-01 00:00:00+00' + make_interval(secs => n)
FROM generate_series(1, 2035) AS n
JOIN taxonomy AS term ON term.id = 1 + n % 20
ORDER BY n;

-- Four labels an issue: what the triggers would have given it.
INSERT INTO entity_labels (entity_code, label_code, rule_id, assigned_by, assigned_at)
SELECT issue.code, label.code, label.rule_id, label.assigned_by, issue.date_created
FROM system_issues AS issue
CROSS JOIN (
    SELECT 0, 'PROV-DOT', NULL, 'auto'
    UNION ALL
    SELECT priority, result_label, id, 'rule'
    FROM label_rules
    WHERE condition ->> 'collection' = 'system_issues'
) AS label (place, code, rule_id, assigned_by)
ORDER BY issue.id, label.place;

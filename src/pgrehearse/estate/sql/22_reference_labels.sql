-- Reference data of the label store: 10 facets, 58 terms, 38 rules.

INSERT INTO taxonomy_facets (code, name, cardinality, max_labels_per_entity)
VALUES
    ('FAC-01', 'expertise', 'multiple', 3),
    ('FAC-02', 'system-role', 'single', 1),
    ('FAC-03', 'action', 'multiple', 2),
    ('FAC-04', 'impact-scope', 'single', 1),
    ('FAC-05', 'phase', 'single', 1),
    ('FAC-06', 'serves-whom', 'multiple', 2),
    ('FAC-07', 'which-doc', 'multiple', 0),
    ('FAC-08', 'content-topic', 'multiple', 3),
    ('FAC-09', 'architecture-layer', 'single', 1),
    ('FAC-PROV', 'provenance', 'single', 1);

-- LBL-x01 to LBL-x06 belong to facet x + 1, the last facet but one has a seventh: 55 terms.
INSERT INTO taxonomy (code, facet_id, depth, scope, _dot_origin)
SELECT format('LBL-%s%s', f.id - 1, to_char(n, 'FM00')),
       f.id,
       0,
       '{all}',
       'MIGRATION'
FROM taxonomy_facets AS f
CROSS JOIN LATERAL generate_series(1, CASE f.code WHEN 'FAC-09' THEN 7 ELSE 6 END) AS n
WHERE f.code <> 'FAC-PROV'
ORDER BY f.id, n;

INSERT INTO taxonomy (code, facet_id, depth, scope, _dot_origin)
SELECT term.code, f.id, 0, '{all}', 'MIGRATION'
FROM (VALUES (1, 'PROV-DOT'), (2, 'PROV-AI'), (3, 'PROV-HUMAN')) AS term (n, code)
CROSS JOIN taxonomy_facets AS f
WHERE f.code = 'FAC-PROV'
ORDER BY term.n;

-- A new row of dot_tools or system_issues gets three labels by these rules, and one of provenance.
INSERT INTO label_rules (facet_id, rule_type, condition, result_label, priority)
SELECT t.facet_id, 'collection', jsonb_build_object('collection', rule.collection), rule.label, rule.n * 10
FROM (
    VALUES
        (1, 'dot_tools', 'LBL-101'),
        (2, 'dot_tools', 'LBL-201'),
        (3, 'dot_tools', 'LBL-801'),
        (4, 'system_issues', 'LBL-102'),
        (5, 'system_issues', 'LBL-401'),
        (6, 'system_issues', 'LBL-802'),
        (7, 'meta_catalog', 'LBL-106'),
        (8, 'meta_catalog', 'LBL-202'),
        (9, 'meta_catalog', 'LBL-301'),
        (10, 'meta_catalog', 'LBL-402'),
        (11, 'meta_catalog', 'LBL-601'),
        (12, 'meta_catalog', 'LBL-803'),
        (13, 'collection_registry', 'LBL-106'),
        (14, 'collection_registry', 'LBL-203'),
        (15, 'collection_registry', 'LBL-301'),
        (16, 'collection_registry', 'LBL-402'),
        (17, 'collection_registry', 'LBL-602'),
        (18, 'collection_registry', 'LBL-803'),
        (19, 'agents', 'LBL-104'),
        (20, 'workflows', 'LBL-103'),
        (21, 'workflows', 'LBL-304'),
        (22, 'knowledge_documents', 'LBL-001'),
        (23, 'knowledge_documents', 'LBL-603'),
        (24, 'knowledge_documents', 'LBL-701'),
        (25, 'modules', 'LBL-105'),
        (26, 'modules', 'LBL-804'),
        (27, 'tasks', 'LBL-204'),
        (28, 'tasks', 'LBL-403'),
        (29, 'checkpoint_sets', 'LBL-205'),
        (30, 'checkpoint_sets', 'LBL-404'),
        (31, 'law_documents', 'LBL-303'),
        (32, 'law_documents', 'LBL-604'),
        (33, 'ui_pages', 'LBL-501'),
        (34, 'ui_pages', 'LBL-805'),
        (35, 'prompts', 'LBL-002'),
        (36, 'prompts', 'LBL-502'),
        (37, 'taxonomy', 'LBL-702'),
        (38, 'taxonomy', 'LBL-806')
) AS rule (n, collection, label)
JOIN taxonomy AS t ON t.code = rule.label
ORDER BY rule.n;

-- Reference data: 168 collections with their birth policy, their species, and the catalogue's 152 entries.

-- The sixteen managed collections come first, so that CAT-006 is dot_tools.
INSERT INTO collection_registry (
    code, name, collection_name, composition_level, governance_role, coverage_status, _dot_origin
)
SELECT 'COL-' || to_char(n, 'FM000'),
       initcap(replace(collection_name, '_', ' ')),
       collection_name,
       composition_level,
       'governed',
       'BIRTH_REQUIRED',
       'MIGRATION'
FROM (
    VALUES
        (1, 'meta_catalog', 'molecule'),
        (2, 'collection_registry', 'molecule'),
        (3, 'agents', 'molecule'),
        (4, 'workflows', 'molecule'),
        (5, 'modules', 'compound'),
        (6, 'dot_tools', 'atom'),
        (7, 'knowledge_documents', 'compound'),
        (8, 'tasks', 'atom'),
        (9, 'checkpoint_sets', 'molecule'),
        (10, 'pivot_definitions', 'atom'),
        (11, 'entity_species', 'atom'),
        (12, 'law_documents', 'compound'),
        (13, 'ui_pages', 'molecule'),
        (14, 'prompts', 'atom'),
        (15, 'taxonomy', 'atom'),
        (16, 'label_rules', 'atom')
) AS managed (n, collection_name, composition_level)
ORDER BY n;

-- The other 152: 58 more must be born, 58 shall be later, 20 + 12 + 4 never.
INSERT INTO collection_registry (code, name, collection_name, governance_role, coverage_status, _dot_origin)
SELECT 'COL-' || to_char(16 + row_number() OVER (ORDER BY policy.place, n), 'FM000'),
       initcap(replace(named.collection_name, '_', ' ')),
       named.collection_name,
       policy.governance_role,
       policy.coverage_status,
       'MIGRATION'
FROM (
    VALUES
        (1, 58, 'BIRTH_DEFERRED', 'observed', 'records_deferred',
            ARRAY['system_issues', 'ui_blocks', 'topics', 'comments']),
        (2, 20, 'BIRTH_EXEMPT_STRUCTURAL_JUNCTION', 'excluded', 'junction',
            ARRAY['entity_labels', 'species_collection_map', 'workflow_steps', 'page_blocks']),
        (3, 12, 'BIRTH_EXEMPT_SYSTEM_LOG', 'excluded', 'log',
            ARRAY['registry_changelog', 'dot_iu_command_run', 'event_outbox', 'search_log']),
        (4, 4, 'BIRTH_EXEMPT_DERIVED', 'excluded', 'derived',
            ARRAY['birth_registry', 'v_registry_counts', 'v_registry_summary', 'search_index']),
        (5, 58, 'BIRTH_REQUIRED', 'governed', 'records',
            ARRAY['taxonomy_facets', 'law_dot_enforcement', 'dot_domains', 'dot_operations'])
) AS policy (place, size, coverage_status, governance_role, prefix, known)
CROSS JOIN LATERAL generate_series(1, policy.size) AS n
CROSS JOIN LATERAL (
    SELECT COALESCE(policy.known[n], policy.prefix || '_' || to_char(n, 'FM00'))
) AS named (collection_name)
ORDER BY policy.place, n;

-- The last four collections have no species yet.
INSERT INTO species_collection_map (collection_name, species_code)
SELECT collection_name, regexp_replace(collection_name, 's$', '')
FROM collection_registry
ORDER BY id
LIMIT 164;

-- CAT-001 to CAT-151, and CAT-DOT: the second counter of dot_tools.
INSERT INTO meta_catalog (
    code, name, collection_name, identity_class, record_count, actual_count, orphan_count,
    last_scan_date, _dot_origin
)
SELECT 'CAT-' || to_char(id, 'FM000'),
       name,
       collection_name,
       CASE
           WHEN id <= 16 THEN 'managed'
           WHEN coverage_status = 'BIRTH_EXEMPT_DERIVED' THEN 'derived'
           ELSE 'observed'
       END,
       CASE collection_name WHEN 'dot_tools' THEN 309 ELSE id * 7 % 100 END,
       CASE collection_name WHEN 'dot_tools' THEN 163 ELSE id * 7 % 100 END,
       0,
       '2026-06-01 00:00:00+00',
       'MIGRATION'
FROM collection_registry
WHERE id <= 151
ORDER BY id;

INSERT INTO meta_catalog (
    code, name, collection_name, identity_class, record_count, actual_count, orphan_count,
    last_scan_date, _dot_origin
)
VALUES
    ('CAT-DOT', 'Dot Tools, active and published', 'dot_tools', 'observed', 307, 307, 140,
     '2026-06-01 00:00:00+00', 'MIGRATION');

SELECT refresh_registry_views();

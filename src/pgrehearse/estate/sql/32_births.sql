-- The births of all that was loaded: 4,982 and 1,200 more for each unit of estate.scale.

INSERT INTO birth_registry (
    entity_code, collection_name, species_code, composition_level, dot_origin, born_at,
    governance_role, canonical_address, owner
)
SELECT entity.code,
       entity.collection_name,
       COALESCE(s.species_code, 'unclassified'),
       c.composition_level,
       entity.origin,
       timestamptz '2026-02-01 00:00:00+00' + make_interval(hours => 240 * entity.place, secs => entity.n),
       COALESCE(c.governance_role, 'excluded'),
       entity.collection_name || '/' || entity.code,
       entity.owner
FROM (
    SELECT 1, 'collection_registry', id, code, _dot_origin, NULL
    FROM collection_registry
    UNION ALL
    SELECT 2, 'meta_catalog', id, code, _dot_origin, NULL
    FROM meta_catalog
    UNION ALL
    SELECT 3, 'dot_tools', id, code, _dot_origin, owner
    FROM dot_tools
    UNION ALL
    -- A chaos test inserted and deleted tools; it left their births behind.
    SELECT 4, 'dot_tools', n, 'CHAOS-R3-CDX-E2-' || to_char(n, 'FM000'), 'DOT-001|codex', NULL
    FROM generate_series(1, 283) AS n
    UNION ALL
    SELECT 5, 'knowledge_documents', n, 'KNW-' || to_char(n, 'FM0000'), 'DIRECTUS', NULL
    FROM generate_series(1, 2035) AS n
    UNION ALL
    SELECT 6, 'system_issues', id, code, _dot_origin, NULL
    FROM system_issues
    UNION ALL
    SELECT 7, 'entity_labels', id, 'entity_labels::' || id, NULL, NULL
    FROM entity_labels
    UNION ALL
    SELECT 8, 'tasks', n, 'TSK-' || to_char(n, 'FM0000000'), 'DIRECTUS', NULL
    FROM generate_series(1, 200 * current_setting('estate.scale')::integer) AS n
) AS entity (place, collection_name, n, code, origin, owner)
LEFT JOIN species_collection_map AS s ON s.collection_name = entity.collection_name AND s.is_primary
LEFT JOIN collection_registry AS c ON c.collection_name = entity.collection_name
ORDER BY entity.place, entity.n;

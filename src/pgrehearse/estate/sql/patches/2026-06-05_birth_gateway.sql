-- 2026-06-05: the gateway obeys the birth policy, and exempt collections are no longer born.
--
-- Before, the policy was written down and nobody read it: nearly all births were those of labels.
-- One registration of a tool now enters 1 birth where it entered 5. Only the first test is new.

CREATE OR REPLACE FUNCTION fn_birth_registry_auto()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_row   jsonb := to_jsonb(NEW);
    v_code  text := v_row ->> TG_ARGV[0];
BEGIN
    IF EXISTS (
        SELECT FROM collection_registry
        WHERE collection_name = TG_TABLE_NAME
          AND coverage_status LIKE 'BIRTH\_EXEMPT%'
    ) THEN
        RETURN NULL;
    END IF;

    IF COALESCE(v_code, '') = '' THEN
        v_code := TG_TABLE_NAME || '::' || (v_row ->> 'id');
    END IF;

    -- Some tables have two birth triggers; the second one ends here and draws no id.
    IF EXISTS (
        SELECT FROM birth_registry
        WHERE entity_code = v_code
          AND collection_name = TG_TABLE_NAME
    ) THEN
        RETURN NULL;
    END IF;

    INSERT INTO birth_registry (
        entity_code, collection_name, species_code, composition_level, dot_origin,
        governance_role, canonical_address, owner
    )
    SELECT v_code,
           TG_TABLE_NAME,
           COALESCE(s.species_code, 'unclassified'),
           c.composition_level,
           v_row ->> '_dot_origin',
           COALESCE(c.governance_role, 'excluded'),
           TG_TABLE_NAME || '/' || v_code,
           v_row ->> 'owner'
    FROM (SELECT) AS born
    LEFT JOIN species_collection_map AS s ON s.collection_name = TG_TABLE_NAME AND s.is_primary
    LEFT JOIN collection_registry AS c ON c.collection_name = TG_TABLE_NAME
    ON CONFLICT (entity_code) DO NOTHING;
    RETURN NULL;
END;
$$;

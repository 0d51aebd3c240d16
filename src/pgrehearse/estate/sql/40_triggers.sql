-- Which function runs when. PostgreSQL fires triggers of one kind in the order of their names.
--
-- Made after the data, as pg_restore does: what was loaded is not gated, labelled or born a second time.

-- dot_tools, before the row is stored: code, gate, description, path, origin.
-- The gate runs before the origin's validator, so it sees the origin as it was sent.

CREATE TRIGGER trg_auto_code_dot_tools
    BEFORE INSERT ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION gen_code_dot_tools();

CREATE TRIGGER trg_before_birth_gate_dot_tools
    BEFORE INSERT ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_gate();

CREATE TRIGGER trg_desc_guard_dot_tools
    BEFORE INSERT OR UPDATE OF description ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_description_birth_guard();

CREATE TRIGGER trg_normalize_dot_filepath
    BEFORE INSERT OR UPDATE OF file_path ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_normalize_dot_filepath();

CREATE TRIGGER trg_validate_dot_origin_dot_tools
    BEFORE INSERT OR UPDATE OF _dot_origin ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_validate_dot_origin();

-- dot_tools, after the row is stored: birth, notification, labels, counts.

CREATE TRIGGER birth_trigger_dot_tools
    AFTER INSERT ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_registry_auto('code');

-- A duplicate of birth_trigger_dot_tools that was never cleaned up: it finds the birth and adds nothing.
CREATE TRIGGER trg_birth_dot_tools
    AFTER INSERT ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_registry_auto('code');

CREATE TRIGGER trg_context_pack_dot_register
    AFTER INSERT OR UPDATE OF status, tier ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_context_pack_on_dot_register();

CREATE TRIGGER trg_count_dot_tools
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dot_tools
    FOR EACH STATEMENT
    EXECUTE FUNCTION refresh_registry_count();

-- Switched off together with the counting triggers of other tables: nobody could afford them.
ALTER TABLE dot_tools
    DISABLE TRIGGER trg_count_dot_tools;

CREATE TRIGGER trg_desc_provenance_dot_tools
    AFTER INSERT ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_provenance();

CREATE TRIGGER trg_label_assign_dot_tools
    AFTER INSERT OR UPDATE ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_assignment();

CREATE TRIGGER trg_refresh_dot_count
    AFTER INSERT OR UPDATE OR DELETE ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION fn_refresh_dot_count();

CREATE TRIGGER trg_refresh_orphan_dot
    AFTER INSERT OR UPDATE OR DELETE ON dot_tools
    FOR EACH ROW
    EXECUTE FUNCTION trg_fn_refresh_orphan_dot();

-- entity_labels has no column "code", so its births get codes of the form entity_labels::<id>.

CREATE TRIGGER birth_trigger_entity_labels
    AFTER INSERT ON entity_labels
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_registry_auto('code');

-- system_issues: born and labelled.

CREATE TRIGGER birth_trigger_system_issues
    AFTER INSERT ON system_issues
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_registry_auto('code');

CREATE TRIGGER trg_desc_provenance_system_issues
    AFTER INSERT ON system_issues
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_provenance();

CREATE TRIGGER trg_label_assign_system_issues
    AFTER INSERT OR UPDATE ON system_issues
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_assignment();

-- collection_registry: gated, born and labelled.

CREATE TRIGGER trg_before_birth_gate_collection_registry
    BEFORE INSERT ON collection_registry
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_gate();

CREATE TRIGGER birth_trigger_collection_registry
    AFTER INSERT ON collection_registry
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_registry_auto('code');

CREATE TRIGGER trg_desc_provenance_collection_registry
    AFTER INSERT ON collection_registry
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_provenance();

CREATE TRIGGER trg_label_assign_collection_registry
    AFTER INSERT ON collection_registry
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_assignment();

-- meta_catalog: born and labelled on INSERT only; every change refills the count tables.

CREATE TRIGGER birth_trigger_meta_catalog
    AFTER INSERT ON meta_catalog
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_registry_auto('code');

CREATE TRIGGER trg_desc_provenance_meta_catalog
    AFTER INSERT ON meta_catalog
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_provenance();

CREATE TRIGGER trg_label_assign_meta_catalog
    AFTER INSERT ON meta_catalog
    FOR EACH ROW
    EXECUTE FUNCTION fn_auto_label_assignment();

CREATE TRIGGER trg_refresh_registry_views
    AFTER INSERT OR UPDATE OR DELETE ON meta_catalog
    FOR EACH STATEMENT
    EXECUTE FUNCTION trg_fn_refresh_registry_views();

-- birth_registry has no birth trigger of its own: a birth that is born would never end.

CREATE TRIGGER trg_birth_auto_certify
    BEFORE INSERT OR UPDATE ON birth_registry
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_auto_certify();

CREATE TRIGGER trg_birth_change_flag_matrix
    BEFORE UPDATE ON birth_registry
    FOR EACH ROW
    EXECUTE FUNCTION fn_birth_change_flag_matrix();

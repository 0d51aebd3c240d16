-- The one sender of notifications in this database: a tool has become active.

-- Tier C stands in the live setting although dot_tools admits only A and B: that branch is never taken.
CREATE FUNCTION fn_context_pack_on_dot_register()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_catalog
AS $$
DECLARE
    v_tiers  jsonb := fn_dot_config('context_pack_dot_register_watch_tiers');
BEGIN
    IF v_tiers IS NULL OR v_tiers = '[]' THEN
        RETURN NULL;
    END IF;

    IF NEW.status = 'active' AND v_tiers ? COALESCE(NEW.tier, '') THEN
        -- Delivered when the transaction commits; a rollback discards it.
        PERFORM pg_notify(
            'context_pack_event',
            json_build_object('kind', 'dot_register', 'code', NEW.code, 'tier', NEW.tier, 'op', TG_OP)::text
        );
    END IF;
    RETURN NULL;
END;
$$;

-- Counters kept by triggers. Two truths for one table: CAT-006 counts all rows, CAT-DOT the live ones.

CREATE FUNCTION fn_refresh_dot_count()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE meta_catalog
    SET record_count = (
        SELECT count(*)
        FROM dot_tools
        WHERE status IN ('active', 'published')
    )
    WHERE code = 'CAT-DOT';
    RETURN NULL;
END;
$$;

-- "Orphan" is a misnomer: it counts rows without a description or a category, not rows without a birth.
CREATE FUNCTION fn_refresh_orphan_dot()
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    -- One refresh at a time; held until the transaction ends. (43, 1) is the context pack builder's lock.
    PERFORM pg_advisory_xact_lock(43, 2);

    UPDATE meta_catalog
    SET orphan_count = (
            SELECT count(*)
            FROM dot_tools
            WHERE status IN ('active', 'published')
              AND (COALESCE(description, '') = '' OR COALESCE(category, '') = '')
        ),
        last_scan_date = now()
    WHERE code = 'CAT-DOT';
END;
$$;

CREATE FUNCTION trg_fn_refresh_orphan_dot()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM fn_refresh_orphan_dot();
    RETURN NULL;
END;
$$;

-- Counts a whole table after every statement; too dear, so the triggers that call it are disabled.
CREATE FUNCTION refresh_registry_count()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_rows  bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I', TG_TABLE_NAME)
    INTO v_rows;

    UPDATE meta_catalog
    SET record_count = v_rows
    WHERE collection_name = TG_TABLE_NAME
      AND identity_class = 'managed';
    RETURN NULL;
END;
$$;

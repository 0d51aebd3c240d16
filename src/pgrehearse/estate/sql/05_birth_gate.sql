-- The gate before a birth: five checks that warn, or block where the session asks for it.
--
--   SET app.birth_gate_mode = 'blocking'   a failed check is an error (default: a warning)
--   SET app.bypass_birth_gate = 'true'     no checks at all

-- The failed checks as sentences, in order; an empty array when all five pass.
CREATE FUNCTION fn_pre_birth_check(p_collection text, p_code text, p_name text, p_origin text)
RETURNS text[]
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    v_failed  text[] := '{}';
    v_taken   boolean;
BEGIN
    PERFORM 1
    FROM meta_catalog
    WHERE collection_name = p_collection
      AND identity_class = 'managed';

    IF NOT FOUND THEN
        v_failed := v_failed || format('check 1 (collection): "%s" is not managed', p_collection);
    END IF;

    IF COALESCE(p_origin, '') = '' THEN
        v_failed := v_failed || 'check 2 (origin): _dot_origin is empty'::text;
    END IF;

    IF p_code !~ '^[A-Z]+-[0-9]+$' THEN
        v_failed := v_failed || format('check 3 (code format): "%s" does not match ^[A-Z]+-[0-9]+$', p_code);
    END IF;

    -- p_name is NULL where the table has no name, so that the dynamic query is not even built.
    IF p_name IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE name = $1)', p_collection)
        INTO v_taken
        USING p_name;

        IF v_taken THEN
            v_failed := v_failed || format('check 4 (name): "%s" is taken', p_name);
        END IF;
    END IF;

    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE code = $1)', p_collection)
    INTO v_taken
    USING p_code;

    IF v_taken THEN
        v_failed := v_failed || format('check 5 (code): "%s" is taken', p_code);
    END IF;

    RETURN v_failed;
END;
$$;

CREATE FUNCTION fn_birth_gate()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_row     jsonb := to_jsonb(NEW);
    v_code    text := v_row ->> 'code';
    v_failed  text[];
    v_text    text;
BEGIN
    IF current_setting('app.bypass_birth_gate', true) IN ('true', '1') THEN
        RETURN NEW;
    END IF;

    IF COALESCE(v_code, '') = '' THEN
        RETURN NEW;
    END IF;

    v_failed := fn_pre_birth_check(TG_TABLE_NAME, v_code, v_row ->> 'name', v_row ->> '_dot_origin');

    IF cardinality(v_failed) = 0 THEN
        RETURN NEW;
    END IF;

    v_text := format('birth gate: %s "%s": %s', TG_TABLE_NAME, v_code, array_to_string(v_failed, '; '));

    -- A setting that was made and reset reads as '', which is neither mode: it warns.
    IF current_setting('app.birth_gate_mode', true) = 'blocking' THEN
        RAISE EXCEPTION '%', v_text;
    END IF;

    RAISE WARNING '%', v_text;
    RETURN NEW;
END;
$$;

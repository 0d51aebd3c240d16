-- What is put right, or warned about, before a row of dot_tools is stored.

-- The id is drawn already when BEFORE triggers run, so a code made from it cannot collide.
CREATE FUNCTION gen_code_dot_tools()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF COALESCE(NEW.code, '') = '' THEN
        NEW.code := 'DOT-' || lpad(NEW.id::text, GREATEST(3, length(NEW.id::text)), '0');
    END IF;
    RETURN NEW;
END;
$$;

-- What is wrong with a description, as words; an empty array when nothing is.
CREATE FUNCTION fn_description_defects(p_description text)
RETURNS text[]
LANGUAGE sql
STABLE
AS $$
    SELECT COALESCE(array_agg(defect ORDER BY n), '{}')
    FROM (
        VALUES
            (1, 'has an empty description',
                btrim(p_description) = ''),
            (2, 'has too short a description',
                length(btrim(p_description)) < (fn_dot_config('desc_guard_min_length') #>> '{}')::integer),
            (3, 'has a description that repeats itself',
                p_description ~ '(.)\1{5}' OR p_description ~ '\m(\w+)(\s+\1\M){2}'),
            (4, 'has no accented Vietnamese in its description',
                fn_dot_config('desc_guard_require_vietnamese') = 'true' AND p_description !~ '[À-ỹ]')
    ) AS criterion (n, defect, is_broken)
    WHERE is_broken;
$$;

-- Rows of governed collections without a description get one from the collection's template.
CREATE FUNCTION fn_description_birth_guard()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    v_template  text := fn_dot_config('desc_template_' || TG_TABLE_NAME) #>> '{}';
    v_mode      text := fn_dot_config('desc_guard_mode') #>> '{}';
    v_defects   text[];
    v_text      text;
BEGIN
    IF btrim(COALESCE(NEW.description, '')) = '' AND EXISTS (
        SELECT FROM collection_registry
        WHERE collection_name = TG_TABLE_NAME
          AND governance_role = 'governed'
    ) THEN
        NEW.description := replace(replace(replace(v_template,
            '{code}', NEW.code),
            '{name}', COALESCE(NEW.name, NEW.code)),
            '{domain}', NEW.domain);
    END IF;

    v_defects := fn_description_defects(COALESCE(NEW.description, ''));

    IF cardinality(v_defects) = 0 THEN
        RETURN NEW;
    END IF;

    v_text := format('description guard: %s %s', NEW.code, array_to_string(v_defects, ', '));

    IF v_mode = 'block' THEN
        RAISE EXCEPTION '%', v_text;
    ELSIF v_mode = 'warn' THEN
        RAISE WARNING '%', v_text;
    END IF;
    RETURN NEW;
END;
$$;

-- Paths are stored relative to the host's root: no leading "/" or "./", no doubled "/", no blanks around.
CREATE FUNCTION fn_normalize_dot_filepath()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.file_path := NULLIF(
        regexp_replace(regexp_replace(btrim(NEW.file_path), '/{2,}', '/', 'g'), '^(\.?/)+', ''),
        ''
    );
    RETURN NEW;
END;
$$;

-- Never blocks: an origin that names no registered tool is kept, and marked as suspect.
CREATE FUNCTION fn_validate_dot_origin()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF COALESCE(NEW._dot_origin, '') IN ('', 'DIRECTUS', 'LEGACY', 'MIGRATION')
       OR NEW._dot_origin LIKE 'SUSPECT:%' THEN
        RETURN NEW;
    END IF;

    PERFORM 1
    FROM dot_tools
    WHERE code = split_part(NEW._dot_origin, '|', 1);

    IF NOT FOUND THEN
        NEW._dot_origin := 'SUSPECT:' || NEW._dot_origin;
    END IF;
    RETURN NEW;
END;
$$;

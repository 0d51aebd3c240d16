-- The probed pass: a log, a probe that counts what a statement changed, and a mark that names the trigger at work.
-- All of it stands in pg_temp, inside the transaction that cannot commit. {log}, {probe}, … are names of this rehearsal.

CREATE TEMP TABLE {log} (
    step   integer NOT NULL,
    relid  oid     NOT NULL,
    op     text    NOT NULL,
    n      bigint  NOT NULL,
    path   text    NOT NULL,
    groups jsonb
);

-- The script may take another role, and its rows are counted all the same.
GRANT ALL ON {log} TO PUBLIC;

-- Where a change comes from: the marks of all triggers that are at work, outermost first, parted by U+001E.
CREATE FUNCTION pg_temp.{path}(depth integer) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    marks text := '';
BEGIN
    FOR level IN 1 .. depth LOOP
        marks := marks OPERATOR(pg_catalog.||) pg_catalog.chr(30)
            OPERATOR(pg_catalog.||) COALESCE(pg_catalog.current_setting('pgrehearse.at' OPERATOR(pg_catalog.||) level::pg_catalog.text, true), '');
    END LOOP;
    RETURN marks;
END;
$$;

CREATE FUNCTION pg_temp.{probe}() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n      bigint;
    groups jsonb;
    depth  integer := pg_trigger_depth();
    origin text := 'pgrehearse.from_' || TG_RELID || '_' || TG_OP || '_';
    path   text;
BEGIN
    -- The rows of a foreign key's action are counted after the statement that fired it, one level further out: only
    -- before them is it known which key is at work. So a BEFORE probe leaves word for the AFTER probe.
    IF TG_WHEN = 'BEFORE' AND TG_OP <> 'TRUNCATE' THEN
        PERFORM set_config(origin || depth, '=' || pg_temp.{path}(depth - 1), true);
        RETURN NULL;
    END IF;
    path := substr(COALESCE(
        NULLIF(current_setting(origin || depth, true), ''),
        NULLIF(current_setting(origin || (depth + 1), true), ''),
        CASE WHEN depth = 1 THEN '=' ELSE '=' || pg_temp.{path}(depth - 1) END
    ), 2);
    IF TG_LEVEL = 'STATEMENT' THEN
        PERFORM set_config(
            origin || CASE WHEN COALESCE(current_setting(origin || depth, true), '') <> '' THEN depth ELSE depth + 1 END,
            '', true);
    END IF;

    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT count(*) FROM ONLY %s', TG_RELID::regclass) INTO n;
    ELSIF TG_LEVEL = 'ROW' THEN
        n := 1;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT count(*) INTO n FROM old_rows;
    ELSE
        SELECT count(*) INTO n FROM new_rows;
    END IF;

    IF n > 0 AND TG_NARGS > 0 AND TG_OP <> 'TRUNCATE' THEN
        IF TG_LEVEL = 'ROW' THEN
            groups := jsonb_build_array(jsonb_build_array(
                to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END) ->> TG_ARGV[0], 1));
        ELSIF TG_OP = 'DELETE' THEN
            SELECT jsonb_agg(jsonb_build_array(v, c) ORDER BY v) INTO groups
            FROM (SELECT to_jsonb(r) ->> TG_ARGV[0] AS v, count(*) AS c FROM old_rows AS r GROUP BY 1) AS g;
        ELSE
            SELECT jsonb_agg(jsonb_build_array(v, c) ORDER BY v) INTO groups
            FROM (SELECT to_jsonb(r) ->> TG_ARGV[0] AS v, count(*) AS c FROM new_rows AS r GROUP BY 1) AS g;
        END IF;
    END IF;

    IF n > 0 OR TG_OP = 'TRUNCATE' THEN
        INSERT INTO pg_temp.{log}
        VALUES (
            COALESCE(NULLIF(current_setting('pgrehearse.step', true), ''), '0')::integer, TG_RELID, TG_OP, n, path, groups
        );
    END IF;
    RETURN NULL;
END;
$$;

-- Fires just before the trigger whose number, name and function it was given, under the same WHEN and at the same
-- depth: so the setting of that depth names the trigger at work, and the counter counts its firings.
CREATE FUNCTION pg_temp.{mark}() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    counter pg_catalog.text := 'pgrehearse.calls' OPERATOR(pg_catalog.||) TG_ARGV[0];
BEGIN
    PERFORM pg_catalog.set_config(
        'pgrehearse.at' OPERATOR(pg_catalog.||) pg_catalog.pg_trigger_depth()::pg_catalog.text,
        TG_OP OPERATOR(pg_catalog.||) pg_catalog.chr(31) OPERATOR(pg_catalog.||) TG_ARGV[1], true);
    PERFORM pg_catalog.set_config(
        counter,
        (COALESCE(NULLIF(pg_catalog.current_setting(counter, true), ''), '0')::pg_catalog.int8
            OPERATOR(pg_catalog.+) 1)::pg_catalog.text, true);
    IF TG_WHEN OPERATOR(pg_catalog.=) 'AFTER' OR TG_LEVEL OPERATOR(pg_catalog.=) 'STATEMENT' THEN
        RETURN NULL;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END;
$$;

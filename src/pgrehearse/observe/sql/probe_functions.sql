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

-- Where the rows of one operation on one relation come from: what a BEFORE probe left word of, or the triggers at work.
CREATE FUNCTION pg_temp.{cause}(relid oid, op text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    depth pg_catalog.int4 := pg_catalog.pg_trigger_depth();
    origin pg_catalog.text := pg_catalog.concat('pgrehearse.from_', relid, '_', op, '_');
    word pg_catalog.text := pg_catalog.current_setting(pg_catalog.concat(origin, depth), true);
BEGIN
    IF word IS NULL OR word OPERATOR(pg_catalog.=) '' THEN
        word := pg_catalog.current_setting(pg_catalog.concat(origin, depth OPERATOR(pg_catalog.+) 1), true);
    END IF;
    IF word OPERATOR(pg_catalog.<>) '' THEN
        RETURN pg_catalog.substr(word, 2);
    ELSIF depth OPERATOR(pg_catalog.=) 1 THEN
        RETURN '';
    END IF;
    RETURN pg_temp.{path}(depth OPERATOR(pg_catalog.-) 1);
END;
$$;

-- Log what a statement changed. PL/pgSQL plans a trigger function anew for each trigger it is of, but this one once.
CREATE FUNCTION pg_temp.{note}(relid oid, op text, level text, n bigint, groups jsonb) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    depth  integer := pg_trigger_depth();
    origin text := concat('pgrehearse.from_', relid, '_', op, '_');
    path   text := pg_temp.{cause}(relid, op);
BEGIN
    IF level = 'STATEMENT' THEN
        PERFORM set_config(
            origin || CASE WHEN COALESCE(current_setting(origin || depth, true), '') <> '' THEN depth ELSE depth + 1 END,
            '', true);
    END IF;
    IF n > 0 OR op = 'TRUNCATE' THEN
        INSERT INTO pg_temp.{log}
        VALUES (concat('0', current_setting('pgrehearse.step', true))::integer, relid, op, n, path, groups);
    END IF;
END;
$$;

-- A row, where rows are counted one by one, for which a function that changed role and path first would be too dear:
-- what it needs is granted, and all that it names is qualified.
CREATE FUNCTION pg_temp.{each}() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO pg_temp.{log}
    VALUES (
        pg_catalog.concat('0', pg_catalog.current_setting('pgrehearse.step', true))::pg_catalog.int4,
        TG_RELID, TG_OP, 1, pg_temp.{cause}(TG_RELID, TG_OP), NULL
    );
    RETURN NULL;
END;
$$;

CREATE FUNCTION pg_temp.{probe}() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n      bigint := 1;
    groups jsonb;
BEGIN
    IF TG_WHEN = 'AFTER' AND TG_LEVEL = 'STATEMENT' AND TG_NARGS = 0 THEN
        PERFORM pg_temp.{note}(TG_RELID, TG_OP, TG_LEVEL, (SELECT count(*) FROM changed_rows), NULL);
        RETURN NULL;
    END IF;
    -- The rows of a foreign key's action are counted after the statement that fired it, one level further out: only
    -- before them is it known which key is at work. So a BEFORE probe leaves word for the AFTER probe.
    IF TG_WHEN = 'BEFORE' AND TG_OP <> 'TRUNCATE' THEN
        PERFORM set_config(
            'pgrehearse.from_' || TG_RELID || '_' || TG_OP || '_' || pg_trigger_depth(),
            '=' || pg_temp.{path}(pg_trigger_depth() - 1), true);
        RETURN NULL;
    END IF;

    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('SELECT count(*) FROM ONLY %s', TG_RELID::regclass) INTO n;
    ELSIF TG_LEVEL = 'STATEMENT' THEN
        SELECT count(*) INTO n FROM changed_rows;
        IF n > 0 THEN
            SELECT jsonb_agg(jsonb_build_array(v, c) ORDER BY v) INTO groups
            FROM (SELECT to_jsonb(r) ->> TG_ARGV[0] AS v, count(*) AS c FROM changed_rows AS r GROUP BY 1) AS g;
        END IF;
    ELSE
        groups := jsonb_build_array(jsonb_build_array(
            to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END) ->> TG_ARGV[0], 1));
    END IF;
    PERFORM pg_temp.{note}(TG_RELID, TG_OP, TG_LEVEL, n, groups);
    RETURN NULL;
END;
$$;

-- Name the trigger at work at this depth, and count its firings.
CREATE FUNCTION pg_temp.{at}(op text, number text, trigger text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    counter pg_catalog.text := 'pgrehearse.calls' OPERATOR(pg_catalog.||) number;
BEGIN
    PERFORM
        pg_catalog.set_config(
            'pgrehearse.at' OPERATOR(pg_catalog.||) pg_catalog.pg_trigger_depth()::pg_catalog.text,
            op OPERATOR(pg_catalog.||) pg_catalog.chr(31) OPERATOR(pg_catalog.||) trigger, true),
        pg_catalog.set_config(
            counter,
            (pg_catalog.concat('0', pg_catalog.current_setting(counter, true))::pg_catalog.int8
                OPERATOR(pg_catalog.+) 1)::pg_catalog.text, true);
    RETURN NULL;
END;
$$;

-- Triggers fire as whoever changed the rows, and default privileges may keep new functions from the public.
GRANT EXECUTE ON FUNCTION pg_temp.{at}(text, text, text), pg_temp.{cause}(oid, text), pg_temp.{path}(integer) TO PUBLIC;

-- Fires just before the trigger whose number, name and function it was given, under the same WHEN and at the same
-- depth: so the setting of that depth names the trigger at work.
CREATE FUNCTION pg_temp.{mark}() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    named pg_catalog.text := pg_temp.{at}(TG_OP, TG_ARGV[0], TG_ARGV[1]);
BEGIN
    IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        RETURN OLD;
    END IF;
    -- Of a row before it changes; it is null, or nobody looks at it, in all other triggers.
    RETURN NEW;
END;
$$;

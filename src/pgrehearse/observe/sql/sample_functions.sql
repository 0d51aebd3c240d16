-- Samples of the rows that change, where somebody asks for them: old and new values, and which columns an UPDATE changed.
-- All of it stands in pg_temp, inside the transaction that cannot commit. {rows}, {columns}, … are names of this rehearsal.

CREATE TEMP TABLE {rows} (
    step    integer NOT NULL,
    relid   oid     NOT NULL,
    op      text    NOT NULL,
    old_row jsonb,
    new_row jsonb
);

CREATE TEMP TABLE {columns} (
    relid       oid    NOT NULL,
    column_name text   NOT NULL,
    n           bigint NOT NULL
);

GRANT ALL ON {rows}, {columns} TO PUBLIC;

-- {sampler}(most): transition tables hold their rows in the order in which they changed, so the old and the new version
-- of a row stand at the same place.
CREATE FUNCTION pg_temp.{sampler}() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most integer := TG_ARGV[0];
    step integer := COALESCE(NULLIF(current_setting('pgrehearse.step', true), ''), '0');
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        INSERT INTO pg_temp.{rows}
        SELECT step, TG_RELID, TG_OP,
               CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
               CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
        WHERE (SELECT count(*) FROM pg_temp.{rows} AS r WHERE r.relid = TG_RELID AND r.op = TG_OP) < most;
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO pg_temp.{columns}
            SELECT TG_RELID, n.key, 1
            FROM jsonb_each(to_jsonb(NEW)) AS n
            WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO pg_temp.{rows}
        SELECT step, TG_RELID, TG_OP, NULL, to_jsonb(n) FROM new_rows AS n LIMIT most;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pg_temp.{rows}
        SELECT step, TG_RELID, TG_OP, to_jsonb(o), NULL FROM old_rows AS o LIMIT most;
    ELSE
        INSERT INTO pg_temp.{rows}
        SELECT step, TG_RELID, TG_OP, o.r, n.r
        FROM (SELECT to_jsonb(t) AS r, row_number() OVER () AS place FROM old_rows AS t) AS o
        JOIN (SELECT to_jsonb(t) AS r, row_number() OVER () AS place FROM new_rows AS t) AS n USING (place)
        ORDER BY place
        LIMIT most;
        INSERT INTO pg_temp.{columns}
        SELECT TG_RELID, new_value.key, count(*)
        FROM (SELECT to_jsonb(t) AS r, row_number() OVER () AS place FROM old_rows AS t) AS o
        JOIN (SELECT to_jsonb(t) AS r, row_number() OVER () AS place FROM new_rows AS t) AS n USING (place)
        CROSS JOIN LATERAL jsonb_each(n.r) AS new_value
        WHERE new_value.value IS DISTINCT FROM o.r -> new_value.key
        GROUP BY 2;
    END IF;
    RETURN NULL;
END;
$$;

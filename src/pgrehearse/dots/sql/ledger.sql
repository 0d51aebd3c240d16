-- The run ledger: one row for each state of each run. Rows are only ever added, each by the rules of enter_ledger().

CREATE TABLE pgrehearse_dots.ledger (
    seq                bigint PRIMARY KEY,
    run_id             text NOT NULL,
    state              text NOT NULL
                       CHECK (state IN ('planned', 'running', 'succeeded', 'failed', 'refused', 'lost')),
    code               text NOT NULL,
    action             text NOT NULL,
    place              text NOT NULL,
    target             text NOT NULL,
    lease              text,
    holder             text,
    term               bigint,
    script_sha256      text,
    parameters_digest  text,
    gates              jsonb NOT NULL,
    exit_status        integer,
    duration_ms        bigint,
    output_tail        text,
    evidence_digest    text,
    reason             text NOT NULL,
    actor              text NOT NULL,
    recorded_at        timestamptz NOT NULL,
    previous           text NOT NULL,
    digest             text NOT NULL UNIQUE,
    UNIQUE (run_id, state),
    CHECK (num_nulls(lease, holder, term) IN (0, 3)),
    CHECK (state NOT IN ('running', 'succeeded', 'failed') OR term IS NOT NULL)
);

-- One holding of a lease starts one run.
CREATE UNIQUE INDEX ledger_one_run_a_term_idx
    ON pgrehearse_dots.ledger (lease, term)
    WHERE state = 'running';

COMMENT ON TABLE pgrehearse_dots.ledger IS 'States of runs, append-only; each row carries the digest of the one before.';
COMMENT ON COLUMN pgrehearse_dots.ledger.parameters_digest IS 'SHA-256; secret values are left out of it.';
COMMENT ON COLUMN pgrehearse_dots.ledger.digest IS 'SHA-256 of to_jsonb of the row without this column, as UTF-8.';

-- Which state may follow which; NULL stands before the first.
CREATE FUNCTION pgrehearse_dots.may_follow(p_before text, p_after text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT
        FROM (
            VALUES
                (NULL, 'planned'),
                (NULL, 'refused'),
                ('planned', 'running'),
                ('planned', 'refused'),
                ('planned', 'lost'),
                ('running', 'succeeded'),
                ('running', 'failed'),
                ('running', 'lost')
        ) AS step (before, after)
        WHERE step.before IS NOT DISTINCT FROM p_before
          AND step.after = p_after
    );
$$;

-- Whether somebody holds the lease in that term now. Its row stays locked, so that this stays true until the end of
-- the transaction, but for time itself.
CREATE FUNCTION pgrehearse_dots.is_held(p_name text, p_holder text, p_term bigint)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM
    FROM pgrehearse_dots.lease
    WHERE name = p_name
      AND holder = p_holder
      AND term = p_term
      AND expires_at > clock_timestamp()
    FOR UPDATE;
    RETURN FOUND;
END;
$$;

CREATE FUNCTION pgrehearse_dots.enter_ledger()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    v_head   record;
    v_state  record;
BEGIN
    -- One writer at a time; what follows sees all that earlier writers have committed.
    PERFORM pg_advisory_xact_lock('pgrehearse_dots.ledger'::regclass::bigint);

    SELECT code, state, lease, holder, term
    INTO v_state
    FROM pgrehearse_dots.ledger
    WHERE run_id = NEW.run_id
    ORDER BY seq DESC
    LIMIT 1;

    IF NOT pgrehearse_dots.may_follow(v_state.state, NEW.state) OR NEW.code <> v_state.code THEN
        RAISE EXCEPTION 'run "%" cannot be "%" after "%"', NEW.run_id, NEW.state, COALESCE(v_state.state, 'nothing')
            USING ERRCODE = 'RH702';
    END IF;

    IF v_state.term IS NOT NULL
       AND (NEW.lease, NEW.holder, NEW.term) IS DISTINCT FROM (v_state.lease, v_state.holder, v_state.term) THEN
        RAISE EXCEPTION 'run "%" belongs to term % of lease "%"', NEW.run_id, v_state.term, v_state.lease
            USING ERRCODE = 'RH701';
    END IF;

    IF NEW.state = 'lost' AND pgrehearse_dots.is_held(NEW.lease, NEW.holder, NEW.term) THEN
        RAISE EXCEPTION 'run "%" is not lost: its lease is held', NEW.run_id
            USING ERRCODE = 'RH704';
    END IF;

    -- The fence: who has lost the lease writes nothing any more.
    IF NEW.state <> 'lost' AND NEW.term IS NOT NULL
       AND NOT pgrehearse_dots.is_held(NEW.lease, NEW.holder, NEW.term) THEN
        RAISE EXCEPTION 'term % of lease "%" is over for %', NEW.term, NEW.lease, NEW.holder
            USING ERRCODE = 'RH701';
    END IF;

    SELECT seq, digest
    INTO v_head
    FROM pgrehearse_dots.ledger
    ORDER BY seq DESC
    LIMIT 1;

    NEW.seq := COALESCE(v_head.seq, 0) + 1;
    NEW.previous := COALESCE(v_head.digest, '');
    NEW.actor := session_user;
    NEW.recorded_at := clock_timestamp();
    NEW.digest := encode(sha256(convert_to((to_jsonb(NEW) - 'digest')::text, 'UTF8')), 'hex');
    RETURN NEW;
END;
$$;

CREATE FUNCTION pgrehearse_dots.keep_ledger()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the run ledger is append-only: % refused', TG_OP
        USING ERRCODE = 'RH703';
END;
$$;

CREATE TRIGGER enter
    BEFORE INSERT ON pgrehearse_dots.ledger
    FOR EACH ROW
    EXECUTE FUNCTION pgrehearse_dots.enter_ledger();

CREATE TRIGGER keep
    BEFORE UPDATE OR DELETE OR TRUNCATE ON pgrehearse_dots.ledger
    FOR EACH STATEMENT
    EXECUTE FUNCTION pgrehearse_dots.keep_ledger();

ALTER TABLE pgrehearse_dots.ledger
    ENABLE ALWAYS TRIGGER enter,
    ENABLE ALWAYS TRIGGER keep;

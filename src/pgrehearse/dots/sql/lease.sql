-- One row for each lease that was ever held. A row is never deleted, so that its term only grows.

CREATE TABLE pgrehearse_dots.lease (
    name         text PRIMARY KEY,
    holder       text NOT NULL,
    term         bigint NOT NULL CHECK (term > 0),
    acquired_at  timestamptz NOT NULL,
    renewed_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);

COMMENT ON TABLE pgrehearse_dots.lease IS 'The right to act alone: one holder a name.';
COMMENT ON COLUMN pgrehearse_dots.lease.term IS 'Which holding this is; the ledger takes rows of the newest only.';
COMMENT ON COLUMN pgrehearse_dots.lease.expires_at IS 'By this server''s clock; -infinity once released.';

CREATE FUNCTION pgrehearse_dots.keep_lease()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'rows of pgrehearse_dots.lease are never removed'
            USING ERRCODE = 'RH703', HINT = 'Release the lease, or wait until it expires.';
    END IF;

    IF NEW.name <> OLD.name OR NEW.term < OLD.term OR (NEW.term = OLD.term AND NEW.holder <> OLD.holder) THEN
        RAISE EXCEPTION 'the term of lease "%" only grows, and each holding has a term of its own', OLD.name
            USING ERRCODE = 'RH703';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER keep_row
    BEFORE UPDATE OR DELETE ON pgrehearse_dots.lease
    FOR EACH ROW
    EXECUTE FUNCTION pgrehearse_dots.keep_lease();

CREATE TRIGGER keep_table
    BEFORE TRUNCATE ON pgrehearse_dots.lease
    FOR EACH STATEMENT
    EXECUTE FUNCTION pgrehearse_dots.keep_lease();

-- Also where a superuser has set session_replication_role.
ALTER TABLE pgrehearse_dots.lease
    ENABLE ALWAYS TRIGGER keep_row,
    ENABLE ALWAYS TRIGGER keep_table;

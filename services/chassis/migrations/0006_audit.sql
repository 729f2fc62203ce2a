-- Who changed what a platform has set up. Only added to: what was written is never changed, and removed only when it is old.
CREATE TABLE audit_entries (
    platform_id uuid        NOT NULL,
    entry_id    uuid        NOT NULL,                -- UUIDv7: later ones are greater
    occurred_at timestamptz NOT NULL,
    rpc         text        NOT NULL,
    key_id      text        NOT NULL,                -- empty for those who run the engine
    request_id  text        NOT NULL,
    subject     text        NOT NULL,
    before      text        NOT NULL,                -- protobuf-JSON without secrets and personal data, or empty
    after       text        NOT NULL,
    PRIMARY KEY (platform_id, entry_id)
);

CREATE FUNCTION audit_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The machine's time on purpose: no clock of a platform, which may be moved, makes a young entry old.
    IF TG_OP = 'DELETE' AND OLD.occurred_at < clock_timestamp() - interval '365 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit entries are only added to, and none that is younger than 365 days is removed';
END
$$;
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_is_only_added_to();
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_only_added_to();

-- Members that were erased, for as long as a topic or the outbox may still name them: by it the old id becomes its
-- pseudonym wherever it comes again.

-- What members' ids are hashed with; one row, random, of this database alone.
CREATE TABLE erasure_key (
    key bytea NOT NULL
);
INSERT INTO erasure_key VALUES (decode(
    replace(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
CREATE UNIQUE INDEX erasure_key_once ON erasure_key ((true));

CREATE TABLE erased_members (
    platform_id uuid        NOT NULL,
    member_hash bytea       NOT NULL,          -- SHA-256 of the key, the platform and the id
    pseudonym   text        NOT NULL,          -- random; what stands in the id's place
    member_id   text,                          -- only until its rows are replaced
    passes      smallint    NOT NULL DEFAULT 0, -- how often they were
    mark        bigint,                        -- transactions before it may have written the id since
    look_at     timestamptz NOT NULL,          -- no pass before
    campaign_ids uuid[]     NOT NULL DEFAULT '{}', -- where team_formation knows the member from
    erased_at   timestamptz NOT NULL,
    complete_at timestamptz NOT NULL,          -- neither the topics nor the outbox name the id any more
    PRIMARY KEY (platform_id, member_hash)
);
CREATE INDEX erased_members_under_way ON erased_members (look_at) WHERE member_id IS NOT NULL;
CREATE INDEX erased_members_complete ON erased_members (complete_at);

-- Answers are removed when nobody can ask for them any more, the oldest first (retention.toml).
CREATE INDEX requests_made ON requests (created_at);

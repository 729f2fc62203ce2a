-- What happens on a platform, kept for its own endpoints and streams, and what is posted to the endpoints.

-- Platforms whose events are kept: those with an endpoint, and those that streamed lately.
CREATE TABLE event_readers (
    platform_id uuid        NOT NULL PRIMARY KEY,
    asked_at    timestamptz NOT NULL           -- when an endpoint was put or a stream was read last
);

-- Their events, for seven days, as they went between the services. Positions are read up to the horizon only
-- (services/chassis/horizon.py): who writes draws its transaction's number before it draws a position.
CREATE TABLE platform_events (
    position    bigint      GENERATED ALWAYS AS IDENTITY,
    platform_id uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    type        text        NOT NULL,          -- "team.seat_confirmed"
    subject     text        NOT NULL,          -- what it is about, the unit of order: the record's key
    occurred_at timestamptz NOT NULL,
    kept_at     timestamptz NOT NULL,
    value       bytea       NOT NULL,          -- the envelope
    PRIMARY KEY (platform_id, position)
);
CREATE INDEX platform_events_kept ON platform_events (kept_at);

CREATE TABLE webhook_endpoints (
    platform_id     uuid        NOT NULL,
    endpoint_id     uuid        NOT NULL,
    url             text        NOT NULL,
    description     text        NOT NULL,
    patterns        text[]      NOT NULL,      -- as the platform wrote them
    types           text[]      NOT NULL,      -- what they mean in this release
    in_order        boolean     NOT NULL,      -- the events of a subject wait for each other
    secrets         bytea       NOT NULL,      -- sealed: the secret, and the one before
    key_id          text        NOT NULL,      -- of the key that sealed them
    old_until       timestamptz,               -- until when the secret before is used too
    disabled_at     timestamptz,
    disabled_why    text        NOT NULL DEFAULT '',
    disabled_count  integer     NOT NULL DEFAULT 0,
    resting_until   timestamptz,               -- its answer asked for rest
    last_success_at timestamptz,
    failing         boolean     NOT NULL DEFAULT false,   -- its last attempt failed: it is tried one by one
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (platform_id, endpoint_id)
);
CREATE INDEX webhook_endpoints_of_key ON webhook_endpoints (key_id);

-- One event for one endpoint.
CREATE TABLE webhook_posts (
    platform_id   uuid        NOT NULL,
    endpoint_id   uuid        NOT NULL,
    position      bigint      NOT NULL,        -- of the event
    subject       text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('PENDING', 'TAKEN', 'FAILED')),
    attempts      integer     NOT NULL DEFAULT 0,
    first_at      timestamptz,                 -- of its first attempt
    due_at        timestamptz NOT NULL,        -- no attempt before
    claim_id      uuid,                        -- the attempt in flight, if any
    claimed_until timestamptz,                 -- when its sender is believed dead
    ended_at      timestamptz,
    PRIMARY KEY (platform_id, endpoint_id, position),
    FOREIGN KEY (platform_id, endpoint_id) REFERENCES webhook_endpoints ON DELETE CASCADE,
    FOREIGN KEY (platform_id, position) REFERENCES platform_events ON DELETE CASCADE,
    CHECK ((state = 'PENDING') = (ended_at IS NULL))
);
CREATE INDEX webhook_posts_due ON webhook_posts (platform_id, endpoint_id, due_at, position) WHERE state = 'PENDING';
CREATE INDEX webhook_posts_order ON webhook_posts (platform_id, endpoint_id, subject, position)
    WHERE state = 'PENDING';
CREATE INDEX webhook_posts_of_event ON webhook_posts (platform_id, position);

-- Each post that was made, for seven days.
CREATE TABLE webhook_attempts (
    platform_id  uuid        NOT NULL,
    attempt_id   uuid        NOT NULL,         -- grows with time
    endpoint_id  uuid        NOT NULL,
    event_id     uuid        NOT NULL,
    type         text        NOT NULL,
    number       integer     NOT NULL,
    attempted_at timestamptz NOT NULL,
    milliseconds integer     NOT NULL,
    status       integer     NOT NULL,         -- of HTTP; 0 where there was no answer
    answer       text        NOT NULL,         -- its beginning
    problem      text        NOT NULL,         -- why there was none
    PRIMARY KEY (platform_id, attempt_id)
);
CREATE INDEX webhook_attempts_of_endpoint ON webhook_attempts (platform_id, endpoint_id, attempt_id);
CREATE INDEX webhook_attempts_made ON webhook_attempts (attempted_at);

-- What every service's database has: outbox, inbox, parked messages, stored requests, and the copy of the platforms.

-- Facts on their way to Kafka, written in the transaction that made them true. Column names follow the Debezium outbox
-- event router, so that it can take the relay's place. Partitioned by day (see partitions.py); old days are dropped whole.
CREATE TABLE outbox (
    position      bigint GENERATED ALWAYS AS IDENTITY,
    created_at    timestamptz NOT NULL,          -- the machine's time
    shard         smallint    NOT NULL,          -- of the key; one relay per shard
    id            uuid        NOT NULL,          -- the event's id
    aggregatetype text        NOT NULL,          -- the topic
    aggregateid   text        NOT NULL,          -- the key
    sequence      bigint      NOT NULL,          -- number of the event for its key
    type          text        NOT NULL,          -- full name of the fact
    occurred_at   timestamptz NOT NULL,
    payload       bytea       NOT NULL,          -- the envelope, protobuf
    traceparent   text        NOT NULL,
    PRIMARY KEY (position, created_at)
) PARTITION BY RANGE (created_at);

CREATE INDEX outbox_by_key ON outbox (aggregateid, aggregatetype, sequence);

-- How far each shard has been written to Kafka. generation grows when an operator rewinds it.
CREATE TABLE relay_positions (
    shard      smallint PRIMARY KEY,
    position   bigint      NOT NULL DEFAULT 0,
    reached_at timestamptz,                      -- created_at of the last row written, to skip old partitions
    generation bigint      NOT NULL DEFAULT 0
);
INSERT INTO relay_positions (shard) SELECT generate_series(0, 3);

-- The last sequence applied per key of each topic read.
CREATE TABLE inbox (
    topic    text    NOT NULL,
    key      text    NOT NULL,
    sequence bigint  NOT NULL,                   -- 0: none yet
    parked   boolean NOT NULL DEFAULT false,     -- later records of the key are parked too
    PRIMARY KEY (topic, key)
);

-- Records that can never succeed, and all later ones of their keys, in order, until they are redriven.
CREATE TABLE parked_messages (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text        NOT NULL,
    key       text        NOT NULL,
    partition integer     NOT NULL,
    position  bigint      NOT NULL,              -- offset in the partition
    value     bytea       NOT NULL,
    headers   jsonb       NOT NULL,
    reason    text        NOT NULL,
    parked_at timestamptz NOT NULL
);
-- Each record once. The value is part of it: in a Kafka that was lost and written again, positions begin anew.
CREATE UNIQUE INDEX parked_messages_once ON parked_messages (topic, partition, position, key, sha256(value));
CREATE INDEX parked_messages_by_key ON parked_messages (topic, key, number);

-- What was decided for a request id, refusals too, given again to whoever asks again.
CREATE TABLE requests (
    campaign_id uuid        NOT NULL,            -- zero where the call names no campaign
    platform_id uuid        NOT NULL,
    rpc         text        NOT NULL,
    request_id  text        NOT NULL,
    body_hash   bytea       NOT NULL,            -- SHA-256 of the request without its id
    refused     boolean,                         -- whether the answer is a refusal; null only inside its transaction
    answer      bytea,                           -- the response, or google.rpc.Status
    subject     uuid,                            -- the row an accepted request made or changed
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, platform_id, rpc, request_id)
) WITH (fillfactor = 80);

-- Platforms and the hashes of their keys: the original in team_formation, a copy elsewhere.
CREATE TABLE platforms (
    platform_id uuid PRIMARY KEY,
    name        text        NOT NULL,
    suspended   boolean     NOT NULL DEFAULT false,
    sequence    bigint      NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE TABLE platform_keys (
    platform_id uuid  NOT NULL REFERENCES platforms,
    key_id      text  NOT NULL UNIQUE,
    secret_hash bytea NOT NULL,                  -- SHA-256 of the secret part
    expires_at  timestamptz,
    PRIMARY KEY (platform_id, key_id)
);

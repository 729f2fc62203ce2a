-- What test platforms would have sent, instead of sending it.
CREATE TABLE captured (
    platform_id uuid        NOT NULL,
    captured_id uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('MESSAGE', 'GROUP', 'CHAT_ANSWER', 'WEBHOOK')),
    captured_at timestamptz NOT NULL,          -- by the clock of the test platform
    kept_at     timestamptz NOT NULL,          -- by the machine's
    campaign_id uuid,                          -- like team, delivery and number: of a message to a member or group
    team_id     uuid,                          -- of none where the message is about no team
    delivery_id uuid,
    number      integer     NOT NULL,          -- of the attempt; 0 of what is no attempt that is tried again
    member_id   text        NOT NULL,          -- empty where it is for no member
    channel     text        NOT NULL,          -- or the way of an answer in a chat; empty of a webhook
    outcome     text        NOT NULL CHECK (outcome IN ('sent', 'retry', 'refused', 'misconfigured')),
    detail      text        NOT NULL,          -- what was said where it was not taken, without addresses
    endpoint_id uuid,                          -- like event and type: of a webhook
    event_id    uuid,
    type        text        NOT NULL DEFAULT '',
    content     bytea       NOT NULL,          -- JSON: address, words, request, answer; sealed but of webhooks
    key_id      text        NOT NULL,          -- of the key that sealed it; empty where none has
    PRIMARY KEY (platform_id, captured_id)
);
CREATE INDEX captured_of_platform ON captured (platform_id, captured_at, captured_id);
CREATE INDEX captured_of_member ON captured (platform_id, member_id, captured_at, captured_id) WHERE member_id <> '';
CREATE INDEX captured_of_team ON captured (platform_id, campaign_id, team_id, captured_at, captured_id)
    WHERE team_id IS NOT NULL;
CREATE INDEX captured_of_delivery ON captured (platform_id, delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX captured_kept ON captured (kept_at);
CREATE INDEX captured_of_key ON captured (key_id);

-- What is due by the clock of a test platform that is ahead: their ids alone are UUIDs of version 8.
CREATE INDEX deliveries_due_of_tests ON deliveries (platform_id, due_at)
    WHERE state = 'PENDING' AND substr(platform_id::text, 15, 1) = '8';

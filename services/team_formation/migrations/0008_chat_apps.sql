-- Apps of chat services that call us, and their calls until they are worked.
CREATE TABLE chat_apps (
    app_id      text        PRIMARY KEY,  -- random; the last part of the address that the service calls
    platform_id uuid        NOT NULL,
    service     text        NOT NULL,
    name        text        NOT NULL,     -- the platform's own word for it
    secrets     bytea       NOT NULL,     -- sealed: fields with their values, the current one first
    sealed_with text        NOT NULL,     -- the key's id
    version     bigint      NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    UNIQUE (platform_id, service, name),
    UNIQUE (app_id, platform_id)
);
CREATE TABLE hook_calls (
    app_id      text        NOT NULL,
    event_id    text        NOT NULL,     -- what the service knows it by: the same again has no effect
    platform_id uuid        NOT NULL,
    kind        text        NOT NULL,     -- the service's word, for operators
    payload     bytea,                    -- sealed; gone once it is worked
    received_at timestamptz NOT NULL,
    happened_at timestamptz NOT NULL,     -- as the service says, else when it was received
    due_at      timestamptz,              -- when it is to be worked; none once it is
    attempts    integer     NOT NULL DEFAULT 0,
    outcome     text        NOT NULL DEFAULT '',
    PRIMARY KEY (app_id, event_id),
    FOREIGN KEY (app_id, platform_id) REFERENCES chat_apps (app_id, platform_id) ON DELETE CASCADE
);
CREATE INDEX hook_calls_due ON hook_calls (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX hook_calls_received ON hook_calls (received_at);

-- Cards in chats that follow their teams, and how fast a service may be asked to change them.

-- A card that stands in a chat, until its team's end was shown there.
CREATE TABLE chat_previews (
    campaign_id      uuid        NOT NULL,
    team_id          uuid        NOT NULL,
    app_id           text        NOT NULL,
    place            bytea       NOT NULL,     -- hash of where it stands
    platform_id      uuid        NOT NULL,
    way              text        NOT NULL,     -- that changes it
    sealed           bytea       NOT NULL,     -- what the way takes, and the link as it was written
    shown            bytea       NOT NULL,     -- hash of what it says: the same is not sent again
    version          bigint      NOT NULL,     -- of the team when it was looked at last; 0: not yet
    campaign_version bigint      NOT NULL,     -- of the campaign then
    sold_out         bigint      NOT NULL,     -- items of the campaign of which nothing was left then
    looked_at        timestamptz NOT NULL,
    is_moved         boolean     NOT NULL,     -- its team changed since the claim, or the look, that was last
    wants            boolean     NOT NULL,     -- it was looked at, and says something else now
    due_at           timestamptz,              -- when it is to be looked at, or changed; none: when its team changes
    next_at          timestamptz NOT NULL,     -- not sooner: by the service's rate, or until a claim runs out
    claim            bigint      NOT NULL,     -- number of the last one
    failures         integer     NOT NULL,     -- in a row
    created_at       timestamptz NOT NULL,
    until            timestamptz NOT NULL,     -- it is not followed any longer then
    chat             bigint      NOT NULL,     -- number by which cards share a chat's turns; 0: the service limits none
    PRIMARY KEY (campaign_id, team_id, app_id, place),
    FOREIGN KEY (app_id, platform_id) REFERENCES chat_apps (app_id, platform_id) ON DELETE CASCADE,
    CHECK (due_at >= next_at),
    CHECK (NOT wants OR due_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX chat_previews_looks ON chat_previews (due_at) WHERE due_at IS NOT NULL AND NOT wants;
CREATE INDEX chat_previews_changes ON chat_previews (app_id, way, due_at) WHERE wants;
CREATE INDEX chat_previews_in_chats ON chat_previews (app_id, way, chat, due_at) WHERE wants AND chat <> 0;
CREATE INDEX chat_previews_of_app ON chat_previews (app_id, created_at);
CREATE INDEX chat_previews_until ON chat_previews (until);

-- A way of an app, and chats in it: all replicas keep its service's rates together.
CREATE TABLE chat_paces (
    app_id      text        NOT NULL,
    way         text        NOT NULL,
    platform_id uuid        NOT NULL,
    free_at     timestamptz NOT NULL,          -- when what was sent so far has had its time
    chat        bigint      NOT NULL,          -- number of chats that share their turns; 0: all of the way
    PRIMARY KEY (app_id, way, chat),
    FOREIGN KEY (app_id, platform_id) REFERENCES chat_apps (app_id, platform_id) ON DELETE CASCADE
);

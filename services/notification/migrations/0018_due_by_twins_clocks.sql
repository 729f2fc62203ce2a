-- What is due by the clocks of test twins, which may be weeks ahead: the other indexes have what is due in weeks of all
-- platforms. The condition is that of services/chassis/twins.py.
CREATE INDEX join_digests_of_twins ON join_digests (platform_id, due_at) WHERE substr(platform_id::text, 15, 1) = '8';
CREATE INDEX promoter_days_of_twins ON promoter_days (platform_id, due_at) WHERE substr(platform_id::text, 15, 1) = '8';
CREATE INDEX campaigns_of_twins ON campaigns (platform_id, starts_at) WHERE substr(platform_id::text, 15, 1) = '8';
CREATE INDEX group_chats_of_twins ON group_chats (platform_id, look_at)
    WHERE substr(platform_id::text, 15, 1) = '8' AND over_at IS NULL;
CREATE INDEX seats_holds_of_twins ON seats (platform_id, hold_until, seat_id)
    WHERE substr(platform_id::text, 15, 1) = '8' AND state = 'HELD';
CREATE INDEX teams_ends_of_twins ON teams (platform_id, ends_at, team_id)
    WHERE substr(platform_id::text, 15, 1) = '8' AND state IN ('FORMING', 'TIPPED');

-- Up to where members of a twin whose clock is ahead were told; the first time from where all were.
CREATE TABLE twin_reminder_marks (
    platform_id uuid        NOT NULL,
    name        text        NOT NULL,              -- HOLD_ENDING, TIME_RUNNING_OUT
    reached     timestamptz NOT NULL,
    after_id    uuid        NOT NULL,
    PRIMARY KEY (platform_id, name)
);

-- Posts to endpoints are not sealed: they say what platform_events says, and an erasure has to find whom they name.
ALTER TABLE captured ADD COLUMN posted bytea, ALTER COLUMN content DROP NOT NULL;
UPDATE captured SET posted = content, content = NULL WHERE kind = 'WEBHOOK';

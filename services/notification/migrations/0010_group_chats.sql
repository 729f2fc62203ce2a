-- Group chats that are bound to a team: one card, edited in its place where the messenger can, and two posts more at most.
-- To deliveries a group is a member of the id '@' and its own, which no platform can give.
CREATE TABLE group_chats (
    campaign_id  uuid        NOT NULL,
    team_id      uuid        NOT NULL,
    group_id     uuid        NOT NULL,
    platform_id  uuid        NOT NULL,
    channel      text        NOT NULL,
    link         text        NOT NULL,
    bound_at     timestamptz NOT NULL,
    shown        text        NOT NULL,             -- what the last card said; empty before the first
    knew         boolean     NOT NULL,             -- its first card said that the minimum is reached, which has held since
    over_at      timestamptz,                      -- it was stopped, or the team had ended
    stopped      boolean     NOT NULL,
    seen_version bigint      NOT NULL DEFAULT 0,   -- of the team, when the group was looked at last
    seen_price   bigint      NOT NULL DEFAULT 0,   -- the version of its price then
    bindings     integer     NOT NULL,             -- how often it was bound, each time otherwise
    look_at      timestamptz NOT NULL,             -- not before
    PRIMARY KEY (campaign_id, team_id, group_id)
);
CREATE UNIQUE INDEX group_chats_id ON group_chats (group_id);
CREATE INDEX group_chats_told ON group_chats (look_at) WHERE over_at IS NULL;
-- A copy of prices, as far as groups are told: a team's own, and of no team the one that a whole campaign moves.
CREATE TABLE team_prices (
    campaign_id    uuid    NOT NULL,
    team_id        uuid    NOT NULL,
    platform_id    uuid    NOT NULL,
    version        bigint  NOT NULL,               -- of the team, or the number of the campaign's tally
    ladder_version bigint  NOT NULL,               -- of a campaign's price; 0 of a team's own
    unit_price     bigint  NOT NULL,               -- the lowest of its items
    several        boolean NOT NULL,               -- items differ in it
    best           bigint  NOT NULL,               -- the lowest that it can fall to; 0 where that is not known
    PRIMARY KEY (campaign_id, team_id, ladder_version)
);
CREATE INDEX deliveries_groups ON deliveries (platform_id, member_id, kind, team_version)
    WHERE kind IN ('GROUP_CARD', 'GROUP_ON', 'GROUP_ENDED');
CREATE INDEX deliveries_groups_by_state ON deliveries (platform_id, member_id, kind, state)
    WHERE kind IN ('GROUP_CARD', 'GROUP_ON');

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED',
                        'PAYMENT_DUE', 'SOMEONE_JOINED', 'TIME_RUNNING_OUT', 'HOLD_ENDING', 'REFUND_DONE',
                        'ONE_SEAT_LEFT', 'NUDGE', 'REMINDER', 'PERSONAL', 'ANNOUNCEMENT', 'GROUP_CARD', 'GROUP_ON',
                        'GROUP_ENDED')) NOT VALID;

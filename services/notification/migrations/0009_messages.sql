-- Messages about time, in the platform's own words, and tried again. A finder goes along ends of holds and teams, each once.
CREATE TABLE reminder_marks (
    name     text        NOT NULL PRIMARY KEY,     -- HOLD_ENDING, TIME_RUNNING_OUT
    reached  timestamptz NOT NULL,                 -- up to this end, and at it up to this id, all were told
    after_id uuid        NOT NULL
);
INSERT INTO reminder_marks (name, reached, after_id) VALUES
    ('HOLD_ENDING', now(), '00000000-0000-0000-0000-000000000000'),
    ('TIME_RUNNING_OUT', now(), '00000000-0000-0000-0000-000000000000');
CREATE INDEX seats_holds ON seats (hold_until, seat_id) WHERE state = 'HELD';
CREATE INDEX teams_ends ON teams (ends_at, team_id) WHERE state IN ('FORMING', 'TIPPED');

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED',
                        'PAYMENT_DUE', 'SOMEONE_JOINED', 'TIME_RUNNING_OUT', 'HOLD_ENDING', 'REFUND_DONE',
                        'ONE_SEAT_LEFT', 'NUDGE', 'REMINDER', 'PERSONAL', 'ANNOUNCEMENT')) NOT VALID;

-- A delivery that ended may be tried again (RedriveDeliveries): its attempts and its age count from then on.
ALTER TABLE deliveries
    ADD COLUMN again_at        timestamptz,
    ADD COLUMN attempts_before integer NOT NULL DEFAULT 0,
    ADD COLUMN ends_before     integer NOT NULL DEFAULT 0;   -- how often it had ended before

-- What a platform groups its members by, for announcements; and those that are written to whoever has a tag, in chunks.
ALTER TABLE members ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
CREATE INDEX members_of_tags ON members USING gin (tags);
CREATE TABLE own_messages (
    platform_id  uuid        NOT NULL,
    message_id   uuid        NOT NULL,
    kind         text        NOT NULL,
    tags         text[]      NOT NULL,
    texts        jsonb       NOT NULL,
    after_member text        NOT NULL,          -- written to all up to this one
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (platform_id, message_id)
);
CREATE INDEX own_messages_in_turn ON own_messages (created_at);

-- How much room a team has; 0 of a team from before this release: nothing is said of its last place then.
ALTER TABLE teams
    ADD COLUMN maximum bigint NOT NULL DEFAULT 0,
    ADD COLUMN taken   bigint NOT NULL DEFAULT 0;            -- held and confirmed, counted as the minimum is

-- A copy of campaigns, for what is told before a team is open; and who wants to be reminded of their start.
CREATE TABLE campaigns (
    campaign_id  uuid        NOT NULL PRIMARY KEY,
    platform_id  uuid        NOT NULL,
    version      bigint      NOT NULL,             -- of the last event
    state        text        NOT NULL CHECK (state IN ('SCHEDULED', 'RUNNING', 'PAUSED', 'ENDED', 'CANCELLED')),
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    texts        jsonb       NOT NULL,             -- [[language, title], ...]
    seller       text        NOT NULL,
    checkout_url text        NOT NULL,
    time_zone    text        NOT NULL,
    payment_mode text        NOT NULL,
    counted_in   text        NOT NULL,
    minimum      bigint      NOT NULL,
    maximum      bigint      NOT NULL,
    currency     text        NOT NULL
);
CREATE INDEX campaigns_starts ON campaigns (starts_at);
CREATE TABLE start_reminders (
    campaign_id    uuid    NOT NULL,
    member_id      text    NOT NULL,
    platform_id    uuid    NOT NULL,
    before_seconds integer NOT NULL,               -- how long before the start: they are spread over some minutes
    PRIMARY KEY (campaign_id, member_id)
);

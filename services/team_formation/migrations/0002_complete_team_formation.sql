-- Campaigns that change, stock, limits, waitlist, sponsored places, leaders, listed teams, reports, share links.

-- `sequence` is the campaign's version: each change is one event. What follows from the time (scheduled, running, ended) is
-- not stored.
ALTER TABLE campaigns
    ADD COLUMN phase          text        NOT NULL DEFAULT 'PUBLISHED'
        CHECK (phase IN ('DRAFT', 'PUBLISHED', 'PAUSED', 'CANCELLED')),
    ADD COLUMN latest_end     timestamptz,                      -- until when a host may extend; null: not at all
    ADD COLUMN shown_sku      text        NOT NULL DEFAULT '',  -- the item a live host shows
    ADD COLUMN cancel_reason  text        NOT NULL DEFAULT '',
    ADD COLUMN cancels_formed boolean     NOT NULL DEFAULT false,
    ADD COLUMN sweeping       boolean     NOT NULL DEFAULT false,  -- its teams have to be looked at, see handlers/due.py
    ADD COLUMN sweep_after    uuid;                             -- the last team looked at
CREATE INDEX campaigns_sweeping ON campaigns (campaign_id) WHERE sweeping;
CREATE INDEX campaigns_of_platform ON campaigns (platform_id, campaign_id);
CREATE INDEX campaigns_by_reference ON campaigns (platform_id, external_ref) WHERE external_ref <> '';

-- Who did what to a campaign, in order.
CREATE TABLE campaign_changes (
    campaign_id uuid        NOT NULL,
    version     bigint      NOT NULL,                           -- of the campaign after it
    platform_id uuid        NOT NULL,
    action      text        NOT NULL,
    actor       text        NOT NULL,                           -- as the platform names its staff, or empty
    request_id  text        NOT NULL,
    fields      text[]      NOT NULL,                           -- that changed, sorted
    detail      text        NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, version)
);

ALTER TABLE campaign_terms
    ADD COLUMN max_units_per_member        bigint   NOT NULL DEFAULT 0,   -- 0: no limit, as below
    ADD COLUMN max_teams_per_member        bigint   NOT NULL DEFAULT 0,
    ADD COLUMN max_teams_opened_per_member bigint   NOT NULL DEFAULT 0,
    ADD COLUMN on_full            text     NOT NULL DEFAULT 'REFUSE' CHECK (on_full IN ('REFUSE', 'OPEN_TEAM', 'WAITLIST')),
    ADD COLUMN max_waiting        bigint   NOT NULL DEFAULT 100,
    ADD COLUMN visibility         text     NOT NULL DEFAULT 'LINK_ONLY' CHECK (visibility IN ('LINK_ONLY', 'LISTED')),
    ADD COLUMN max_sponsored      bigint   NOT NULL DEFAULT 0,
    ADD COLUMN hold_extension     interval NOT NULL DEFAULT '0',
    ADD COLUMN leave_after_formed interval NOT NULL DEFAULT '0',
    ADD COLUMN leader_reward      bigint   NOT NULL DEFAULT 0,            -- minor units
    ADD COLUMN who_may_join       jsonb    NOT NULL DEFAULT '{}';         -- {newcomers_only, tags, old_brings_new, match_key_needed}

-- What is left of items with stock. Locked before members and teams, all of a campaign's rows, in order of sku.
CREATE TABLE stock (
    campaign_id uuid   NOT NULL,
    sku         text   NOT NULL,
    platform_id uuid   NOT NULL,
    offered     bigint NOT NULL CHECK (offered >= 0),           -- units offered so far
    taken       bigint NOT NULL DEFAULT 0 CHECK (taken >= 0),   -- units of held and confirmed seats
    PRIMARY KEY (campaign_id, sku),
    CHECK (taken <= offered)
) WITH (fillfactor = 50);

-- One row per member of a campaign that has limits: locked, in order of id, so that a member's joins come one after another.
-- What a member has is counted from its seats.
CREATE TABLE campaign_members (
    campaign_id uuid NOT NULL,
    member_id   text NOT NULL,
    platform_id uuid NOT NULL,
    PRIMARY KEY (campaign_id, member_id)
);

ALTER TABLE teams
    DROP CONSTRAINT teams_state_check,
    ADD CONSTRAINT teams_state_check CHECK (state IN ('FORMING', 'TIPPED', 'FORMED', 'FAILED', 'CANCELLED')),
    ADD COLUMN waiting_members   bigint  NOT NULL DEFAULT 0,
    ADD COLUMN waiting_units     bigint  NOT NULL DEFAULT 0,
    ADD COLUMN sponsored_members bigint  NOT NULL DEFAULT 0,    -- part of confirmed_members
    ADD COLUMN sponsored_units   bigint  NOT NULL DEFAULT 0,    -- part of confirmed_units
    ADD COLUMN deadline          timestamptz,                   -- its end if the campaign's end does not come before; null: ends_at
    ADD COLUMN leader_seat_id    uuid,
    ADD COLUMN overflow_team_id  uuid,                          -- the newest team opened because this one is full
    ADD COLUMN overflow_of       uuid,                          -- the full team whose late comers it takes
    ADD COLUMN match_key         text    NOT NULL DEFAULT '',
    ADD COLUMN formed_fill       bigint;                        -- confirmed fill in the ladder's basis when it formed: reports
UPDATE teams AS t SET leader_seat_id = s.seat_id FROM seats AS s
    WHERE s.campaign_id = t.campaign_id AND s.team_id = t.team_id AND s.role = 'LEADER'
    AND s.state IN ('HELD', 'CONFIRMED');
UPDATE teams AS t SET formed_fill = CASE p.price_table ->> 'basis'
        WHEN 'TEAM_UNITS' THEN t.confirmed_units ELSE t.confirmed_members END
    FROM campaign_terms AS p
    WHERE p.campaign_id = t.campaign_id AND p.terms_version = t.terms_version AND t.state = 'FORMED';
CREATE INDEX teams_with_waitlist ON teams (campaign_id) WHERE state IN ('FORMING', 'TIPPED') AND waiting_members > 0;
CREATE INDEX teams_by_opener ON teams (campaign_id, opener_member_id);
CREATE INDEX teams_by_reference ON teams (campaign_id, external_ref) WHERE external_ref <> '';

-- Listed teams that are forming, apart from the teams: what FindTeam orders by would make every change of a team dearer.
CREATE TABLE listed_teams (
    campaign_id uuid   NOT NULL,
    team_id     uuid   NOT NULL,
    platform_id uuid   NOT NULL,
    match_key   text   NOT NULL,
    taken       bigint NOT NULL,                                -- held and confirmed fill
    room        bigint NOT NULL,                                -- what is free
    PRIMARY KEY (campaign_id, team_id)
);
CREATE INDEX listed_teams_fullest ON listed_teams (campaign_id, match_key, taken DESC) WHERE room > 0;

ALTER TABLE seats
    DROP CONSTRAINT seats_state_check,
    ADD CONSTRAINT seats_state_check CHECK (state IN ('WAITING', 'HELD', 'CONFIRMED', 'RELEASED', 'DEFAULTED')),
    DROP CONSTRAINT seats_release_reason_check,
    ADD CONSTRAINT seats_release_reason_check CHECK (release_reason IN (
        'EXPIRED', 'LEFT', 'TEAM_FAILED', 'TEAM_CANCELLED', 'TEAM_ENDED', 'PRICE_CHANGED', 'WITHDRAWN')),
    ADD COLUMN hold_extended  boolean NOT NULL DEFAULT false,
    ADD COLUMN max_unit_price bigint,                           -- what a waiting seat may cost at most; null: anything
    ADD COLUMN updated_at     timestamptz NOT NULL DEFAULT 'epoch';  -- the default: what 0.1.0 still writes meanwhile
UPDATE seats SET updated_at = coalesce(released_at, confirmed_at, held_at);

DROP INDEX seats_one_live_per_member;
CREATE UNIQUE INDEX seats_one_live_per_member ON seats (campaign_id, member_id, team_id)
    WHERE state IN ('WAITING', 'HELD', 'CONFIRMED') AND NOT sponsored;
CREATE INDEX seats_of_member ON seats (campaign_id, member_id);
CREATE INDEX seats_waiting ON seats (campaign_id, team_id, number) WHERE state = 'WAITING';
CREATE INDEX seats_by_invite ON seats (campaign_id, invite_id) WHERE invite_id IS NOT NULL;
CREATE INDEX seats_by_reference ON seats (campaign_id, external_ref) WHERE external_ref <> '';
CREATE INDEX seats_by_change ON seats (campaign_id, updated_at, seat_id);

ALTER TABLE invites
    ADD COLUMN max_uses                bigint  NOT NULL DEFAULT 0,   -- 0: no limit
    ADD COLUMN uses                    bigint  NOT NULL DEFAULT 0,   -- joins by it that took a seat or wait
    ADD COLUMN commission_basis_points integer NOT NULL DEFAULT 0;
CREATE INDEX invites_of_member ON invites (campaign_id, member_id) WHERE member_id <> '';
CREATE INDEX invites_of_promoter ON invites (campaign_id, promoter_id) WHERE promoter_id <> '';

-- How often links were opened, as platforms reported it, by the day of the platform's clock in the campaign's time zone.
CREATE TABLE invite_opens (
    campaign_id uuid   NOT NULL,
    invite_id   uuid   NOT NULL,
    day         date   NOT NULL,
    platform_id uuid   NOT NULL,
    opened      bigint NOT NULL,
    PRIMARY KEY (campaign_id, invite_id, day)
);

-- How a platform makes its share links where it does not take ours.
CREATE TABLE share_templates (
    platform_id       uuid        NOT NULL,
    channel           text        NOT NULL,
    url               text        NOT NULL,
    text              text        NOT NULL,
    mini_program_path text        NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (platform_id, channel)
);

-- What platforms report about settlement lines, and the order in which lines and reports were committed.

-- A platform names a line by its id alone.
CREATE INDEX settlement_lines_by_id ON settlement_lines (line_id);

-- What a platform did about a line; entered by RPC, kept at a rebuild, only added to.
CREATE TABLE line_reports (
    campaign_id  uuid        NOT NULL,
    line_id      uuid        NOT NULL,
    report_id    uuid        NOT NULL,           -- UUIDv5 of line, kind and reference
    platform_id  uuid        NOT NULL,
    team_id      uuid        NOT NULL,
    sequence     bigint      NOT NULL,           -- of its event; lines and reports of a team are numbered together
    team_version bigint      NOT NULL,           -- the team's, when it was reported
    seat_id      uuid        NOT NULL,
    member_id    text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('CAPTURED', 'VOIDED', 'REFUNDED', 'PAID', 'FAILED')),
    failed_kind  text CHECK (failed_kind IN ('CAPTURED', 'VOIDED', 'REFUNDED', 'PAID')),  -- what failed
    amount       bigint      NOT NULL CHECK (amount > 0),
    currency     text        NOT NULL,
    reference    text        NOT NULL CHECK (reference <> ''),
    reason       text        NOT NULL,           -- in the platform's words, or empty
    state        text        NOT NULL CHECK (state IN ('OPEN', 'PARTLY', 'DONE', 'FAILED')),  -- of the line with it
    reported_at  timestamptz NOT NULL,
    told         boolean     NOT NULL,           -- false while its event waits for lines with lower numbers
    PRIMARY KEY (campaign_id, line_id, report_id),
    UNIQUE (campaign_id, team_id, sequence),
    CHECK ((kind = 'FAILED') = (failed_kind IS NOT NULL))
);
CREATE INDEX line_reports_waiting ON line_reports (campaign_id, team_id, sequence) WHERE NOT told;

-- How far a line is; a line without a row is open, or done where it asks for nothing. Kept at a rebuild.
CREATE TABLE line_states (
    campaign_id uuid        NOT NULL,
    line_id     uuid        NOT NULL,
    platform_id uuid        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('OPEN', 'PARTLY', 'DONE', 'FAILED')),
    updated_at  timestamptz NOT NULL,            -- of the last report
    PRIMARY KEY (campaign_id, line_id)
);

-- Which numbers of a team were committed when: one row for each team and transaction. `position` is drawn under the
-- team's lock, so a team's numbers come in order; it is read up to a horizon, so that no late commit is skipped.
CREATE TABLE settlement_feed (
    position       bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id    uuid        NOT NULL,
    team_id        uuid        NOT NULL,
    first_sequence bigint      NOT NULL,
    last_sequence  bigint      NOT NULL,
    platform_id    uuid        NOT NULL,
    merchant_id    text        NOT NULL,
    recorded_at    timestamptz NOT NULL,         -- the machine's time
    PRIMARY KEY (campaign_id, team_id, first_sequence)
);
CREATE INDEX settlement_feed_of_platform ON settlement_feed (platform_id, position);

INSERT INTO settlement_feed (campaign_id, team_id, first_sequence, last_sequence, platform_id, merchant_id, recorded_at)
SELECT campaign_id, team_id, min(sequence), max(sequence), platform_id, merchant_id, max(occurred_at)
FROM settlement_lines GROUP BY campaign_id, team_id, platform_id, merchant_id ORDER BY max(occurred_at);

-- A merchant's record is about its teams.
CREATE INDEX teams_of_merchant ON teams (platform_id, merchant_id);

-- Who earns a commission by a seat, from the invite it came by; told with the seat.
ALTER TABLE seats
    ADD COLUMN promoter_id             text   NOT NULL DEFAULT '',   -- empty where nobody earns
    ADD COLUMN commission_basis_points bigint NOT NULL DEFAULT 0 CHECK (commission_basis_points BETWEEN 0 AND 10000);

-- What a promoter earns by a seat, or earns less: one row for each beneficiary, seat and cause, made with the seat's
-- line and no part of it. An amount is the commission of one unit, rounded half up, times the line's quantity, so that
-- the rows of a seat that gave everything back add up to zero.
CREATE TABLE beneficiary_lines (
    campaign_id             uuid        NOT NULL,
    team_id                 uuid        NOT NULL,
    sequence                bigint      NOT NULL,          -- of the settlement line it was made with
    row_id                  uuid        NOT NULL,          -- UUIDv5 of the line and the beneficiary
    platform_id             uuid        NOT NULL,
    line_id                 uuid        NOT NULL,
    seat_id                 uuid        NOT NULL,
    cause                   text        NOT NULL,
    cause_event_id          uuid        NOT NULL,
    occurred_at             timestamptz NOT NULL,          -- of its cause
    merchant_id             text        NOT NULL,
    beneficiary_id          text        NOT NULL,          -- the promoter
    commission_basis_points bigint      NOT NULL,
    quantity                bigint      NOT NULL,
    unit_price              bigint      NOT NULL,
    amount                  bigint      NOT NULL,          -- below zero where it is earned no longer
    currency                text        NOT NULL,
    PRIMARY KEY (campaign_id, team_id, sequence, beneficiary_id)
);
CREATE INDEX beneficiary_lines_of_platform ON beneficiary_lines (platform_id, campaign_id, team_id, sequence);

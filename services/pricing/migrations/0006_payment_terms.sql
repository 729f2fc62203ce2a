-- By when money has to come. Terms are told when a team opens, of campaigns that have them, and never change.

CREATE TABLE payment_terms (
    campaign_id            uuid     NOT NULL,
    team_id                uuid     NOT NULL,
    platform_id            uuid     NOT NULL,
    pay_within             interval NOT NULL,    -- from the team's forming, or from a failed capture
    authorisation_lifetime interval NOT NULL,    -- HOLD: from the confirmation of a seat
    lapse_warning          interval NOT NULL,    -- HOLD: so long before an authorisation lapses it is warned of
    PRIMARY KEY (campaign_id, team_id)
);

ALTER TABLE settlement_lines ADD COLUMN pay_by timestamptz;      -- null: nothing is due, or nobody said by when

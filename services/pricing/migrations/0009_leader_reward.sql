-- A leader's reward stands beside promoters' commission: rows of beneficiaries are of one kind or the other.

-- What the platform gives for a seat besides its price, once: set when the team forms, for its leader's seat alone.
ALTER TABLE seats ADD COLUMN leader_reward bigint NOT NULL DEFAULT 0 CHECK (leader_reward >= 0);

ALTER TABLE beneficiary_lines
    ADD COLUMN kind text NOT NULL DEFAULT 'COMMISSION' CHECK (kind IN ('COMMISSION', 'LEADER_REWARD')),
    DROP CONSTRAINT beneficiary_lines_pkey,
    ADD PRIMARY KEY (campaign_id, team_id, sequence, kind, beneficiary_id);
ALTER TABLE beneficiary_lines ALTER COLUMN kind DROP DEFAULT;

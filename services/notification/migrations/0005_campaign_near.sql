-- Where the whole campaign fills the ladder, the team's own fill says nothing about the next tier.

ALTER TABLE teams
    ADD COLUMN of_campaign boolean NOT NULL DEFAULT false;   -- all teams of the campaign together fill its ladder

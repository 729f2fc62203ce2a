-- Promoters' own links: the id that a promoter's link has, and the number that is good. No row: no link was asked for.
CREATE TABLE promoter_links (
    platform_id uuid        NOT NULL,
    promoter_id text        NOT NULL,
    link_id     uuid        NOT NULL,
    number      integer     NOT NULL CHECK (number BETWEEN 0 AND 65535),   -- links with another one lead nowhere
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (platform_id, promoter_id),
    UNIQUE (platform_id, link_id)
);

-- The campaigns that a promoter has invites in.
CREATE INDEX invites_of_promoters ON invites (platform_id, promoter_id, campaign_id) WHERE promoter_id <> '';

-- Members' own links that were taken back: those with a lower number lead nowhere any more. No row: number 0.
CREATE TABLE member_links (
    campaign_id uuid        NOT NULL,
    seat_id     uuid        NOT NULL,
    platform_id uuid        NOT NULL,
    number      integer     NOT NULL CHECK (number BETWEEN 1 AND 65535),
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, seat_id)
);

-- How many messages of a platform's own words were written on a day, in UTC: what its limit for a day is compared with.
CREATE TABLE message_days (
    platform_id uuid   NOT NULL,
    day         date   NOT NULL,
    messages    bigint NOT NULL,
    PRIMARY KEY (platform_id, day)
);

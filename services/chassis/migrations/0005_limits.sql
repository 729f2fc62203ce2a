-- What operators set for platforms: the original in team_formation, a copy elsewhere. Without a row the default holds.
CREATE TABLE platform_limits (
    platform_id uuid   NOT NULL REFERENCES platforms,
    name        text   NOT NULL,                -- a limit of docs/limits.md
    value       bigint NOT NULL CHECK (value >= 1),
    PRIMARY KEY (platform_id, name)
);

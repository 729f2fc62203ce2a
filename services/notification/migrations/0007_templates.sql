-- Templates of platforms, in all their versions; what deliveries were written with, and where their button leads.

-- The row that is current for kind, channel and language is used; the others say what earlier deliveries were made of.
CREATE TABLE templates (
    platform_id uuid        NOT NULL,
    kind        text        NOT NULL,
    channel     text        NOT NULL,          -- or empty: all that have none of their own
    language    text        NOT NULL,          -- BCP 47, in its usual case
    version     bigint      NOT NULL,          -- from 1
    subject     text        NOT NULL,
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL,
    is_current  boolean     NOT NULL,
    PRIMARY KEY (platform_id, kind, channel, language, version)
);
CREATE UNIQUE INDEX templates_current ON templates (platform_id, kind, channel, language) WHERE is_current;

-- One row for each platform that ever had templates: another id with each change, by which processes notice it.
CREATE TABLE template_sets (
    platform_id uuid PRIMARY KEY,
    change_id   uuid NOT NULL
);

ALTER TABLE deliveries
    ADD COLUMN template_channel text NOT NULL DEFAULT '',
    ADD COLUMN template_version bigint NOT NULL DEFAULT 0,  -- 0: built in; its language is the delivery's
    ADD COLUMN link text NOT NULL DEFAULT '',
    ADD COLUMN link_label text NOT NULL DEFAULT '';

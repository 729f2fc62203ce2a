-- Pictures of products that campaigns name: fetched from where they lie, made safe, and served from our origin.
CREATE TABLE images (
    platform_id uuid        NOT NULL,
    source_hash bytea       NOT NULL,     -- SHA-256 of the address
    source      text        NOT NULL,     -- the address that campaigns name
    due_at      timestamptz,              -- when it is to be fetched; none while no campaign needs it, or once it is given up
    attempts    integer     NOT NULL DEFAULT 0,  -- since it was last fetched, with the one under way
    claims      bigint      NOT NULL DEFAULT 0,  -- grows with each claim: an end of an older one is not noted
    problem     text        NOT NULL DEFAULT '', -- why the last attempt failed; empty where it did not
    tag         text        NOT NULL DEFAULT '', -- the validator that its server gave (ETag)
    fetched_at  timestamptz,              -- when it was last read, or found unchanged
    file        text,                     -- what is shown of it
    PRIMARY KEY (platform_id, source_hash)
);
CREATE INDEX images_due ON images (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX images_shown ON images (platform_id) WHERE file IS NOT NULL;

-- What is served. A name is made of the content and of whose it is, by a secret: the same name is the same for ever.
CREATE TABLE image_files (
    name        text        PRIMARY KEY,
    platform_id uuid        NOT NULL,
    source_hash bytea       NOT NULL,
    width       integer     NOT NULL,
    height      integer     NOT NULL,
    large       bytea       NOT NULL,     -- a JPEG
    small       bytea,                    -- the same with fewer pixels; none where it has few
    small_width integer     NOT NULL DEFAULT 0,
    made_at     timestamptz NOT NULL,
    gone_at     timestamptz,              -- when it is removed, as another took its place
    FOREIGN KEY (platform_id, source_hash) REFERENCES images (platform_id, source_hash) ON DELETE CASCADE
);
ALTER TABLE image_files ALTER COLUMN large SET STORAGE EXTERNAL, ALTER COLUMN small SET STORAGE EXTERNAL;
CREATE INDEX image_files_source ON image_files (platform_id, source_hash);
CREATE INDEX image_files_gone ON image_files (gone_at) WHERE gone_at IS NOT NULL;

-- Which campaign needs which picture, and until when.
CREATE TABLE image_uses (
    campaign_id uuid        NOT NULL,
    source_hash bytea       NOT NULL,
    platform_id uuid        NOT NULL,
    live_until  timestamptz NOT NULL,     -- so long it is looked at whether the picture has changed
    keep_until  timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, source_hash),
    FOREIGN KEY (platform_id, source_hash) REFERENCES images (platform_id, source_hash)
);
CREATE INDEX image_uses_source ON image_uses (platform_id, source_hash);
CREATE INDEX image_uses_kept ON image_uses (keep_until);

INSERT INTO images (platform_id, source_hash, source, due_at)
SELECT DISTINCT platform_id, sha256(convert_to(presentation ->> 'image_url', 'UTF8')), presentation ->> 'image_url', now()
FROM campaigns WHERE presentation ->> 'image_url' <> '' AND ends_at > now();
INSERT INTO image_uses (campaign_id, source_hash, platform_id, live_until, keep_until)
SELECT campaign_id, sha256(convert_to(presentation ->> 'image_url', 'UTF8')), platform_id, ends_at, ends_at + interval '30 days'
FROM campaigns WHERE presentation ->> 'image_url' <> '' AND ends_at > now();

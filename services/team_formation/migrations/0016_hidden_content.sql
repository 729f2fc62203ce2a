-- What public pages do not show: for all of a platform, or for a campaign, a promoter, a member or an invite.
CREATE TABLE hidden_content (
    platform_id uuid        NOT NULL,
    subject     text        NOT NULL CHECK (subject IN ('PLATFORM', 'CAMPAIGN', 'PROMOTER', 'MEMBER', 'INVITE')),
    subject_id  text        NOT NULL,          -- a UUID, or the platform's own id; empty of the platform
    labels      boolean     NOT NULL,
    notes       boolean     NOT NULL,
    images      boolean     NOT NULL,
    changed_at  timestamptz NOT NULL,
    PRIMARY KEY (platform_id, subject, subject_id)
);

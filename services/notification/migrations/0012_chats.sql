-- Private chats that members have their messages sent to, what they write there, and what is answered.

-- A bound chat is a contact point that the member chose itself: PutMember leaves it alone, and it comes before the platform's.
ALTER TABLE contact_points
    ADD COLUMN identity bytea,                 -- a keyed hash of channel and address; only of bound chats
    ADD COLUMN bound_at timestamptz,
    ADD COLUMN heard_at timestamptz,           -- when somebody last wrote there
    ADD CHECK ((identity IS NULL) = (bound_at IS NULL)) NOT VALID;
CREATE UNIQUE INDEX contact_points_identity ON contact_points (platform_id, identity) WHERE identity IS NOT NULL;
CREATE UNIQUE INDEX contact_points_chat ON contact_points (platform_id, contact_id) WHERE identity IS NOT NULL;

-- Codes by which a member binds a chat; one that was used stays until it is over, for who sends it again.
CREATE TABLE chat_codes (
    platform_id uuid        NOT NULL,
    code_hash   bytea       NOT NULL,
    member_id   text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_by     bytea,                         -- the identity of the chat
    PRIMARY KEY (platform_id, code_hash)
);
CREATE INDEX chat_codes_of_member ON chat_codes (platform_id, member_id, expires_at);
CREATE INDEX chat_codes_over ON chat_codes (expires_at);

-- What members wrote to the seller, for 30 days.
CREATE TABLE member_messages (
    platform_id uuid        NOT NULL,
    message_id  uuid        NOT NULL,          -- of the event that it came by
    member_id   text        NOT NULL,
    service     text        NOT NULL,          -- of the chat; "web" of the member's page
    contact_id  uuid,                          -- the chat; none of the web
    seat_id     text        NOT NULL,          -- whose page it was, as the API names it; empty of a chat
    words       text        NOT NULL,
    is_signed   boolean     NOT NULL,
    written_at  timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (platform_id, message_id)
);
CREATE INDEX member_messages_of_platform ON member_messages (platform_id, received_at, message_id);
CREATE INDEX member_messages_of_member ON member_messages (platform_id, member_id, received_at, message_id);
CREATE INDEX member_messages_received ON member_messages (received_at);

CREATE TABLE member_replies (
    platform_id uuid        NOT NULL,
    reply_id    uuid        NOT NULL,
    message_id  uuid        NOT NULL,
    words       text        NOT NULL,
    replied_at  timestamptz NOT NULL,
    PRIMARY KEY (platform_id, reply_id),
    FOREIGN KEY (platform_id, message_id) REFERENCES member_messages ON DELETE CASCADE
);
CREATE INDEX member_replies_of_message ON member_replies (platform_id, message_id, replied_at);

-- To forget what a member wrote in what is told.
CREATE INDEX platform_events_of_chats ON platform_events (platform_id, subject) WHERE type = 'chat.message_received';

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED',
                        'PAYMENT_DUE', 'SOMEONE_JOINED', 'TIME_RUNNING_OUT', 'HOLD_ENDING', 'REFUND_DONE',
                        'ONE_SEAT_LEFT', 'NUDGE', 'REMINDER', 'PERSONAL', 'ANNOUNCEMENT', 'GROUP_CARD', 'GROUP_ON',
                        'GROUP_ENDED', 'PROMOTER_DAILY', 'REPLY')) NOT VALID;

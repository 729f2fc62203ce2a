-- Private chats that members have their messages sent to, what they write there, and what is answered.

-- What is sent there comes before the contact points that the platform registers, which PutMember replaces and this is none of.
CREATE TABLE member_chats (
    platform_id uuid        NOT NULL,
    chat_id     uuid        NOT NULL,          -- also the id of the contact point that it is to attempts
    member_id   text        NOT NULL,
    service     text        NOT NULL,          -- the channel too
    sealed      bytea       NOT NULL,          -- the address
    key_id      text        NOT NULL,          -- of the key that sealed it
    identity    bytea       NOT NULL,          -- a keyed hash of service and address
    via         text        NOT NULL,          -- the seat on whose page its code was made, as the API names it; empty: elsewhere
    bound_at    timestamptz NOT NULL,
    heard_at    timestamptz NOT NULL,          -- when somebody last wrote there
    acted_at    timestamptz NOT NULL,          -- of the last start or stop: what was said before it has no effect any more
    gone_at     timestamptz,                   -- it takes nothing any more, until somebody writes there
    gone_why    text        NOT NULL DEFAULT '',
    PRIMARY KEY (platform_id, chat_id),
    UNIQUE (platform_id, identity),
    FOREIGN KEY (platform_id, member_id) REFERENCES members
);
CREATE INDEX member_chats_of_member ON member_chats (platform_id, member_id, bound_at);
CREATE INDEX member_chats_of_key ON member_chats (key_id, platform_id, chat_id);

-- Codes by which a member binds a chat; one that was used stays until it is over, for who sends it again.
CREATE TABLE chat_codes (
    platform_id uuid        NOT NULL,
    code_hash   bytea       NOT NULL,
    member_id   text        NOT NULL,
    via         text        NOT NULL,          -- the seat on whose page it was made; empty: elsewhere
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
    chat_id     uuid,                          -- none of the web
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

-- An answer is a message without words: they are read where it is sent, so that they are forgotten in one place.
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED',
                        'PAYMENT_DUE', 'SOMEONE_JOINED', 'TIME_RUNNING_OUT', 'HOLD_ENDING', 'REFUND_DONE',
                        'ONE_SEAT_LEFT', 'NUDGE', 'REMINDER', 'PERSONAL', 'ANNOUNCEMENT', 'GROUP_CARD', 'GROUP_ON',
                        'GROUP_ENDED', 'PROMOTER_DAILY', 'REPLY')) NOT VALID;

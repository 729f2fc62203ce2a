-- What a platform allows in the chats of an app, and how one opens a chat with it.
ALTER TABLE chat_apps
    ADD COLUMN allows_leave boolean NOT NULL DEFAULT false,   -- members may give their places back there
    ADD COLUMN open_link    text    NOT NULL DEFAULT '';      -- with {code} where a code goes; empty: none

-- Whether a signature covers what a call says: what was kept before did not say so, and was of cards alone.
ALTER TABLE hook_calls ADD COLUMN is_covered boolean NOT NULL DEFAULT false;

-- What a call is about to have done (sealed), until it is worked: whoever works it again goes on with that.
ALTER TABLE hook_calls ADD COLUMN intent bytea;

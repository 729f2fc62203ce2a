-- Files by which WeChat is told that an official account may use our public host.
CREATE TABLE wechat_files (
    name        text        PRIMARY KEY,  -- as WeChat made it, of one account: MP_verify_<16 letters and digits>.txt
    platform_id uuid        NOT NULL,     -- whoever set it first
    content     text        NOT NULL,     -- 16 letters and digits
    created_at  timestamptz NOT NULL
);
CREATE INDEX wechat_files_of_platform ON wechat_files (platform_id);

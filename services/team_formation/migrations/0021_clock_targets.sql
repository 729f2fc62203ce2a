-- Test twins whose clocks are being moved on, and up to when; the row goes when the clock has arrived.
CREATE TABLE clock_targets (
    platform_id uuid        PRIMARY KEY,
    target      timestamptz NOT NULL                  -- the twin's time
);

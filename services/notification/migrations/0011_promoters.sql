-- What promoters' links brought since they were last told; a promoter is told once a day, if it is registered as a member.
CREATE TABLE promoter_days (
    campaign_id uuid        NOT NULL,
    promoter_id text        NOT NULL,
    platform_id uuid        NOT NULL,
    team_id     uuid        NOT NULL,             -- one of the campaign's teams
    joined      bigint      NOT NULL,             -- seats confirmed
    "left"      bigint      NOT NULL,             -- confirmed ones given back
    due_at      timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, promoter_id)
);
CREATE INDEX promoter_days_due ON promoter_days (due_at);

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED',
                        'PAYMENT_DUE', 'SOMEONE_JOINED', 'TIME_RUNNING_OUT', 'HOLD_ENDING', 'REFUND_DONE',
                        'ONE_SEAT_LEFT', 'NUDGE', 'REMINDER', 'PERSONAL', 'ANNOUNCEMENT', 'GROUP_CARD', 'GROUP_ON',
                        'GROUP_ENDED', 'PROMOTER_DAILY')) NOT VALID;

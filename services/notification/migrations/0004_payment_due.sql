-- A member whose authorisation could not be captured is asked to pay in another way, until the money has come.

-- What members were asked for, by its settlement line; one row for each failed capture.
CREATE TABLE payments_due (
    campaign_id uuid        NOT NULL,
    line_id     uuid        NOT NULL,
    seat_id     uuid        NOT NULL,
    pay_by      timestamptz NOT NULL,
    came        boolean     NOT NULL DEFAULT false,   -- the platform reported the payment, or a capture after all
    PRIMARY KEY (campaign_id, line_id)
);
CREATE INDEX payments_due_of_seat ON payments_due (campaign_id, seat_id);

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_kind_check,
    ADD CONSTRAINT deliveries_kind_check
        CHECK (kind IN ('JOINED', 'PRICE_FELL', 'PRICE_ROSE', 'ONE_MISSING', 'TIPPED', 'UNTIPPED', 'FORMED', 'FAILED',
                        'LEFT', 'LATE_PAYMENT', 'WAITLISTED', 'SEAT_FREE', 'PRICED_OUT', 'WAITED_IN_VAIN', 'REDUCED',
                        'WITHDRAWN', 'DEFAULTED', 'LEADING', 'CANCELLED', 'RESCHEDULED', 'PAYMENT_CHANGED',
                        'PAYMENT_DUE')) NOT VALID;

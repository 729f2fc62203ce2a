-- Settlement lines balance: what was authorised is captured or voided, what was paid is kept or refunded.
-- database: pricing
WITH lines AS (
    SELECT line_id, authorised = to_capture + to_void AND paid = to_keep + to_refund
           AND to_capture + to_keep + due = unit_price * quantity AS balances
    FROM settlement_lines
)
SELECT count(*), count(*) FILTER (WHERE NOT balances), (array_agg(line_id::text) FILTER (WHERE NOT balances))[1:5] FROM lines

-- Settlement lines balance: what was authorised is captured or voided, what was paid is kept or refunded; below zero they take back.
-- database: pricing
WITH lines AS (
    SELECT line_id, authorised = to_capture + to_void AND paid = to_keep + to_refund
           AND to_capture + to_keep + due = unit_price * quantity AND unit_price >= 0
           AND CASE WHEN quantity > 0 THEN least(authorised, paid, to_capture, to_void, to_keep, to_refund, due) >= 0
               ELSE authorised = 0 AND greatest(paid, to_capture, to_keep, due) <= 0 AND to_void >= 0 END AS balances
    FROM settlement_lines
)
SELECT count(*), count(*) FILTER (WHERE NOT balances), (array_agg(line_id::text) FILTER (WHERE NOT balances))[1:5] FROM lines

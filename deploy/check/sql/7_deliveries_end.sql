-- A delivery that is due is attempted, and one that did not arrive says why.
-- database: notification
WITH judged AS (
    SELECT delivery_id, CASE
        WHEN state = 'PENDING' THEN due_at < %(now)s::timestamptz - interval '1 minute'
             AND coalesce(claimed_until, '-infinity') < %(now)s::timestamptz - interval '1 minute'
        WHEN state = 'SENT' THEN attempts < 1
        ELSE reason = '' END AS wrong
    FROM deliveries
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(delivery_id::text) FILTER (WHERE wrong))[1:5] FROM judged

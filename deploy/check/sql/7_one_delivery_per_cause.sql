-- For each cause, member and kind there is at most one delivery.
-- database: notification
WITH counted AS (
    SELECT cause_event_id, member_id, kind, count(*) AS times FROM deliveries
    GROUP BY platform_id, cause_event_id, member_id, kind
)
SELECT count(*), count(*) FILTER (WHERE times > 1),
       (array_agg(cause_event_id || ' ' || kind) FILTER (WHERE times > 1))[1:5]
FROM counted

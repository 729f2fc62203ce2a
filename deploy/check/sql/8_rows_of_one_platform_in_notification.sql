-- In notification, seats and deliveries belong to the platform of their team.
-- database: notification
WITH rows AS (
    SELECT campaign_id, team_id, platform_id, 'seat ' || seat_id AS row FROM seats
    UNION ALL SELECT campaign_id, team_id, platform_id, 'delivery ' || delivery_id FROM deliveries
)
SELECT count(*), count(*) FILTER (WHERE rows.platform_id <> t.platform_id),
       (array_agg(row) FILTER (WHERE rows.platform_id <> t.platform_id))[1:5]
FROM rows JOIN teams AS t USING (campaign_id, team_id)

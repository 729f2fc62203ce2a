-- A team, its seats and its invites belong to the platform of their campaign.
-- database: team_formation
WITH rows AS (
    SELECT campaign_id, platform_id, 'team ' || team_id AS row FROM teams
    UNION ALL SELECT campaign_id, platform_id, 'seat ' || seat_id FROM seats
    UNION ALL SELECT campaign_id, platform_id, 'invite ' || invite_id FROM invites
    UNION ALL SELECT campaign_id, platform_id, 'late payment ' || seat_id FROM late_payments
)
SELECT count(*), count(*) FILTER (WHERE rows.platform_id <> c.platform_id),
       (array_agg(row) FILTER (WHERE rows.platform_id <> c.platform_id))[1:5]
FROM rows JOIN campaigns AS c USING (campaign_id)

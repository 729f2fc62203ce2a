-- In notification, seats, deliveries, digests and fan-out jobs belong to the platform of their team, the teams of a campaign to one platform.
-- database: notification
WITH owners AS (
    SELECT campaign_id, min(platform_id::text)::uuid AS platform_id FROM teams GROUP BY campaign_id
), judged AS (
    SELECT r.row, t.platform_id IS DISTINCT FROM r.platform_id AS wrong
    FROM (
        SELECT campaign_id, team_id, platform_id, 'seat ' || seat_id AS row FROM seats
        UNION ALL SELECT campaign_id, team_id, platform_id, 'delivery ' || delivery_id FROM deliveries
                  WHERE team_id <> '00000000-0000-0000-0000-000000000000'
        UNION ALL SELECT campaign_id, team_id, platform_id, 'day of promoter ' || promoter_id FROM promoter_days
        UNION ALL SELECT campaign_id, team_id, platform_id, 'group ' || group_id FROM group_chats
        UNION ALL SELECT campaign_id, team_id, platform_id, 'digest of joins of team ' || team_id FROM join_digests
        UNION ALL SELECT campaign_id, team_id, platform_id, 'job of ' || topic || ' ' || sequence FROM fanout_jobs
                  WHERE team_id <> '00000000-0000-0000-0000-000000000000'
    ) AS r LEFT JOIN teams AS t USING (campaign_id, team_id)
    -- of no team: what a platform wrote to a member of its own; of who was erased just now it is there for seconds still
    UNION ALL SELECT 'delivery ' || d.delivery_id, m.platform_id IS NULL
    FROM deliveries AS d LEFT JOIN members AS m USING (platform_id, member_id)
    WHERE d.team_id = '00000000-0000-0000-0000-000000000000' AND d.member_id NOT LIKE 'erased-%%'
    UNION ALL SELECT 'attempt ' || a.number || ' of delivery ' || a.delivery_id, d.platform_id IS DISTINCT FROM a.platform_id
    FROM attempts AS a LEFT JOIN deliveries AS d USING (campaign_id, delivery_id)
    UNION ALL SELECT 'reminder of the start of ' || r.campaign_id, c.platform_id IS DISTINCT FROM r.platform_id
    FROM start_reminders AS r LEFT JOIN campaigns AS c USING (campaign_id)
    UNION ALL SELECT r.row, o.platform_id <> r.platform_id
    FROM (
        SELECT campaign_id, platform_id, 'team ' || team_id AS row FROM teams
        UNION ALL SELECT campaign_id, platform_id, 'campaign ' || campaign_id FROM campaigns
        UNION ALL SELECT campaign_id, platform_id, 'price of team ' || team_id FROM team_prices
        -- of a whole campaign, whose teams may not have been heard of yet
        UNION ALL SELECT campaign_id, platform_id, 'job of ' || topic || ' ' || sequence FROM fanout_jobs
                  WHERE team_id = '00000000-0000-0000-0000-000000000000'
        -- what a rule refused may name a campaign that is another platform's
        UNION ALL SELECT campaign_id, platform_id, 'request ' || rpc || ' ' || request_id FROM requests
                  WHERE NOT refused AND campaign_id <> '00000000-0000-0000-0000-000000000000'
    ) AS r JOIN owners AS o USING (campaign_id)
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(row) FILTER (WHERE wrong))[1:5] FROM judged

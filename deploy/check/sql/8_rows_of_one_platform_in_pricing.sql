-- In pricing, seats, facts, settlement lines and tallies belong to the platform of their team.
-- database: pricing
WITH rows AS (
    SELECT campaign_id, team_id, platform_id, 'seat ' || seat_id AS row FROM seats
    UNION ALL SELECT campaign_id, team_id, platform_id, 'fact ' || event_id FROM facts
    UNION ALL SELECT campaign_id, team_id, platform_id, 'line ' || line_id FROM settlement_lines
    UNION ALL SELECT campaign_id, team_id, platform_id, 'waits for a tally' FROM tally_waits
    UNION ALL SELECT campaign_id, team_id, platform_id, 'fixed by tally ' || seq FROM tally_fixes
    UNION ALL SELECT campaign_id, (SELECT team_id FROM teams AS t WHERE t.campaign_id = y.campaign_id LIMIT 1), platform_id,
                     'tally ' || seq FROM tallies AS y
)
SELECT count(*), count(*) FILTER (WHERE rows.platform_id <> t.platform_id),
       (array_agg(row) FILTER (WHERE rows.platform_id <> t.platform_id))[1:5]
FROM rows JOIN teams AS t USING (campaign_id, team_id)

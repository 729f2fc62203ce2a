-- In pricing, whatever is of a team belongs to the platform of that team, and whatever is of a campaign to the platform of its campaign and teams.
-- database: pricing
WITH owners AS (
    SELECT campaign_id, platform_id FROM campaigns
    UNION SELECT campaign_id, platform_id FROM teams
), of_teams AS (
    SELECT campaign_id, team_id, platform_id, 'seat ' || seat_id AS row FROM seats
    UNION ALL SELECT campaign_id, team_id, platform_id, 'fact ' || event_id FROM facts
    UNION ALL SELECT campaign_id, team_id, platform_id, 'settlement job at version ' || version FROM settlement_jobs
    UNION ALL SELECT campaign_id, team_id, platform_id, 'line ' || line_id FROM settlement_lines
    UNION ALL SELECT campaign_id, team_id, platform_id, 'beneficiary row ' || row_id FROM beneficiary_lines
    UNION ALL SELECT campaign_id, team_id, platform_id, 'report ' || report_id FROM line_reports
    UNION ALL SELECT campaign_id, team_id, platform_id, 'feed at ' || position FROM settlement_feed
    UNION ALL SELECT campaign_id, team_id, platform_id, 'payment terms of team ' || team_id FROM payment_terms
    UNION ALL SELECT campaign_id, team_id, platform_id, 'money waited for of line ' || line_id FROM awaited_payments
    UNION ALL SELECT campaign_id, team_id, platform_id, kind || ' of line ' || line_id FROM payment_facts
    UNION ALL SELECT campaign_id, team_id, platform_id, 'delivery report ' || report_id FROM deliveries_reported
    UNION ALL SELECT campaign_id, team_id, platform_id, 'team ' || team_id || ' that waits for a tally' FROM tally_waits
    UNION ALL SELECT campaign_id, team_id, platform_id, 'team ' || team_id || ' fixed by tally ' || seq FROM tally_fixes
), of_campaigns AS (
    SELECT campaign_id, platform_id, 'campaign ' || campaign_id AS row FROM campaigns
    UNION ALL SELECT campaign_id, platform_id, 'team ' || team_id FROM teams
    UNION ALL SELECT campaign_id, platform_id, 'price table ' || ladder_version FROM price_tables
    UNION ALL SELECT campaign_id, platform_id, 'price step ' || ladder_version || '/' || place || '/' || threshold FROM price_steps
    UNION ALL SELECT campaign_id, platform_id, 'state of line ' || line_id FROM line_states
    UNION ALL SELECT campaign_id, platform_id, 'tally delta ' || number FROM tally_deltas
    UNION ALL SELECT campaign_id, platform_id, 'tally ' || seq FROM tallies
    UNION ALL SELECT campaign_id, platform_id, 'tally head of campaign ' || campaign_id FROM tally_heads
    UNION ALL SELECT campaign_id, platform_id, 'demand of campaign ' || campaign_id FROM demand
    -- what a rule refused may name a campaign that is another platform's
    UNION ALL SELECT campaign_id, platform_id, 'request ' || rpc || ' ' || request_id FROM requests
              WHERE NOT refused AND campaign_id <> '00000000-0000-0000-0000-000000000000'
), judged AS (
    SELECT r.row, t.platform_id IS DISTINCT FROM r.platform_id AS wrong
    FROM of_teams AS r LEFT JOIN teams AS t USING (campaign_id, team_id)
    UNION ALL SELECT r.row, o.platform_id IS DISTINCT FROM r.platform_id
    FROM of_campaigns AS r LEFT JOIN owners AS o USING (campaign_id)
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(row) FILTER (WHERE wrong))[1:5] FROM judged

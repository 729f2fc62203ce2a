-- The fill that prices are read at is what the stored events give from scratch.
-- database: pricing
WITH played AS (
    SELECT t.team_id, t.fill AS said, (
        SELECT coalesce(sum(CASE p.basis WHEN 'TEAM_MEMBERS' THEN 1 ELSE s.quantity END), 0) FROM seats AS s
        WHERE s.campaign_id = t.campaign_id AND s.team_id = t.team_id AND s.state = 'CONFIRMED') AS found
    FROM teams AS t JOIN price_tables AS p USING (campaign_id, ladder_version)
)
SELECT count(*), count(*) FILTER (WHERE said <> found),
       (array_agg(team_id || ': ' || said || ', seats give ' || found) FILTER (WHERE said <> found))[1:5]
FROM played

-- Where the whole campaign fills the ladder, prices and caps are read at recorded tallies, and every formed team has its own.
-- database: pricing
WITH of_campaign AS (
    SELECT t.* FROM teams AS t JOIN price_tables AS p USING (campaign_id, ladder_version) WHERE p.basis = 'CAMPAIGN_UNITS'
), judged AS (
    -- a team's final fill is what the tally counted that fixed it; one that formed is fixed, or waits
    SELECT 'team ' || t.team_id AS what, CASE
               WHEN t.formed_version IS NULL THEN t.tally_seq = 0 AND t.fill = 0 AND f.seq IS NULL AND w.team_id IS NULL
               WHEN w.team_id IS NOT NULL THEN t.tally_seq = 0 AND f.seq IS NULL AND w.team_version = t.formed_version
               ELSE t.tally_seq = f.seq AND t.fill = y.units_of_fill AND f.team_version = t.formed_version
           END AS right_
    FROM of_campaign AS t
    LEFT JOIN tally_fixes AS f USING (campaign_id, team_id)
    LEFT JOIN tally_waits AS w USING (campaign_id, team_id)
    LEFT JOIN tallies AS y ON y.campaign_id = f.campaign_id AND y.seq = f.seq
    UNION ALL
    -- a cap is read at what its tally counted, with the seat added as it was then: units may have been given back since
    SELECT 'seat ' || s.seat_id, s.cap_fill = coalesce(y.units_of_fill, 0) + s.quantity + coalesce(b.units, 0)
               AND (y.seq IS NOT NULL OR s.cap_tally_seq = 0)
    FROM seats AS s JOIN of_campaign AS t USING (campaign_id, team_id)
    LEFT JOIN tallies AS y ON y.campaign_id = s.campaign_id AND y.seq = s.cap_tally_seq
    LEFT JOIN LATERAL (SELECT sum(f.units_back) AS units FROM facts AS f WHERE f.campaign_id = s.campaign_id
                       AND f.seat_id = s.seat_id AND f.version > s.number) AS b ON true
    WHERE s.cap_fill > 0
    UNION ALL
    -- a line with a price, be it zero, names the tally
    SELECT 'line ' || l.line_id, l.tally_seq = CASE WHEN l.cause = 'TEAM_FORMED' OR l.quantity < 0 THEN t.tally_seq ELSE 0 END
    FROM settlement_lines AS l JOIN of_campaign AS t USING (campaign_id, team_id)
)
SELECT count(*), count(*) FILTER (WHERE right_ IS NOT TRUE),
       (array_agg(what) FILTER (WHERE right_ IS NOT TRUE))[1:5]
FROM judged

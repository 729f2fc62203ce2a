-- Held and confirmed seats of a team never exceed its capacity.
-- database: team_formation
WITH taken AS (
    SELECT t.campaign_id, t.team_id, k.maximum,
           CASE k.counted_in WHEN 'MEMBERS' THEN count(s.seat_id) ELSE coalesce(sum(s.quantity), 0) END AS fill
    FROM teams AS t
    JOIN campaign_terms AS k USING (campaign_id, terms_version)
    LEFT JOIN seats AS s ON s.campaign_id = t.campaign_id AND s.team_id = t.team_id AND s.state IN ('HELD', 'CONFIRMED')
    GROUP BY t.campaign_id, t.team_id, k.maximum, k.counted_in
)
SELECT count(*), count(*) FILTER (WHERE fill > maximum),
       (array_agg(team_id || ': ' || fill || ' of ' || maximum) FILTER (WHERE fill > maximum))[1:5]
FROM taken

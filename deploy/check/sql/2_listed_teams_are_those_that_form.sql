-- The list of teams that anybody may find is the listed teams that are forming, each with its fill and room.
-- database: team_formation
WITH compared AS (
    SELECT t.team_id, l.taken, l.room, l.match_key, t.match_key AS own_key, k.maximum,
           t.state = 'FORMING' AND k.visibility = 'LISTED' AS belongs,
           CASE k.counted_in WHEN 'MEMBERS' THEN t.confirmed_members + t.held_members
                             ELSE t.confirmed_units + t.held_units END AS fill
    FROM teams AS t JOIN campaign_terms AS k USING (campaign_id, terms_version)
    LEFT JOIN listed_teams AS l USING (campaign_id, team_id)
), judged AS (
    SELECT team_id, belongs <> (taken IS NOT NULL)
           OR coalesce((taken, room, match_key) <> (fill, maximum - fill, own_key), false) AS wrong
    FROM compared
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(team_id::text) FILTER (WHERE wrong))[1:5] FROM judged

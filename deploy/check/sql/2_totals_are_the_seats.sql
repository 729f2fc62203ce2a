-- The totals of a team are those of its seats, those that wait and those that are sponsored included.
-- database: team_formation
WITH counted AS (
    SELECT t.team_id,
           (t.confirmed_members, t.confirmed_units, t.held_members, t.held_units, t.waiting_members, t.waiting_units,
            t.sponsored_members, t.sponsored_units) AS said,
           (count(*) FILTER (WHERE s.state = 'CONFIRMED'),
            coalesce(sum(s.quantity) FILTER (WHERE s.state = 'CONFIRMED'), 0)::bigint,
            count(*) FILTER (WHERE s.state = 'HELD'),
            coalesce(sum(s.quantity) FILTER (WHERE s.state = 'HELD'), 0)::bigint,
            count(*) FILTER (WHERE s.state = 'WAITING'),
            coalesce(sum(s.quantity) FILTER (WHERE s.state = 'WAITING'), 0)::bigint,
            count(*) FILTER (WHERE s.state = 'CONFIRMED' AND s.sponsored),
            coalesce(sum(s.quantity) FILTER (WHERE s.state = 'CONFIRMED' AND s.sponsored), 0)::bigint) AS found
    FROM teams AS t LEFT JOIN seats AS s ON s.campaign_id = t.campaign_id AND s.team_id = t.team_id
    GROUP BY t.campaign_id, t.team_id
)
SELECT count(*), count(*) FILTER (WHERE said <> found),
       (array_agg(team_id || ': says ' || said || ', has ' || found) FILTER (WHERE said <> found))[1:5]
FROM counted

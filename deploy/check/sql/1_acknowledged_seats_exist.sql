-- Every seat acknowledged to a caller exists.
-- database: team_formation
SELECT count(*), count(*) FILTER (WHERE s.seat_id IS NULL AND t.team_id IS NULL),
       (array_agg(r.rpc || ' ' || r.request_id) FILTER (WHERE s.seat_id IS NULL AND t.team_id IS NULL))[1:5]
FROM requests AS r
LEFT JOIN seats AS s ON r.rpc = 'JoinTeam' AND s.campaign_id = r.campaign_id AND s.seat_id = r.subject
LEFT JOIN teams AS t ON r.rpc IN ('OpenTeam', 'ImportTeam') AND t.campaign_id = r.campaign_id AND t.team_id = r.subject
WHERE r.rpc IN ('JoinTeam', 'OpenTeam', 'ImportTeam') AND NOT r.refused

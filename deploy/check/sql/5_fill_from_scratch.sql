-- The fill that prices are read at is, after every event, what the events until then give from scratch.
-- database: pricing
WITH moves AS (
    SELECT f.campaign_id, f.team_id, f.version,
           CASE WHEN p.basis = 'TEAM_MEMBERS' THEN 1 ELSE s.quantity END * CASE
               WHEN f.kind = 'SeatConfirmed' THEN 1
               WHEN f.kind = 'SeatReleased' AND lag(f.kind) OVER of_seat = 'SeatConfirmed' THEN -1
               ELSE 0 END AS change
    FROM facts AS f
    JOIN seats AS s ON s.campaign_id = f.campaign_id AND s.seat_id = f.seat_id
    JOIN teams AS t ON t.campaign_id = f.campaign_id AND t.team_id = f.team_id
    JOIN price_tables AS p ON p.campaign_id = t.campaign_id AND p.ladder_version = t.ladder_version
    WHERE f.kind IN ('SeatHeld', 'SeatConfirmed', 'SeatReleased')
    WINDOW of_seat AS (PARTITION BY f.campaign_id, f.seat_id ORDER BY f.version)
), played AS (
    SELECT team_id, version, f.fill AS said,
           coalesce(sum(m.change) OVER (PARTITION BY campaign_id, team_id ORDER BY version), 0) AS found
    FROM facts AS f LEFT JOIN moves AS m USING (campaign_id, team_id, version)
), judged AS (
    -- a team that failed has released its confirmed seats by that one event; the price stays as it was before it
    SELECT p.team_id || ' at ' || p.version AS place, p.said, CASE
               WHEN t.state = 'FAILED' AND p.version >= t.ended_version THEN 0 ELSE p.found END AS found
    FROM played AS p JOIN teams AS t USING (team_id)
    UNION ALL SELECT p.team_id || ' now', t.fill, p.found
    FROM played AS p JOIN teams AS t ON t.team_id = p.team_id AND t.version = p.version
)
SELECT count(*), count(*) FILTER (WHERE said <> found),
       (array_agg(place || ': ' || said || ', events give ' || found) FILTER (WHERE said <> found))[1:5]
FROM judged

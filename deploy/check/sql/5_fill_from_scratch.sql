-- The fill that prices are read at is, after every event, what the events until then give from scratch.
-- database: pricing
WITH seen AS (
    -- the units of each seat after each of its events: those it has now, and what was given back since
    SELECT f.campaign_id, f.team_id, f.version, f.kind, f.units_back, f.seat_id, s.quantity
           + coalesce(sum(f.units_back) OVER (PARTITION BY f.campaign_id, f.seat_id ORDER BY f.version
               ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0) AS units,
           -- whether it counted before: the last event that moved it made it a confirmed one
           coalesce(max(f.version) FILTER (WHERE f.kind IN ('SeatConfirmed', 'SeatSponsored')) OVER before, 0)
           > coalesce(max(f.version) FILTER (WHERE f.kind IN ('SeatReleased', 'SeatDefaulted')) OVER before, 0) AS counted
    FROM facts AS f JOIN seats AS s ON s.campaign_id = f.campaign_id AND s.seat_id = f.seat_id
    WINDOW before AS (PARTITION BY f.campaign_id, f.seat_id ORDER BY f.version
                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), moves AS (
    SELECT m.campaign_id, m.team_id, m.version, CASE
               WHEN m.kind IN ('SeatConfirmed', 'SeatSponsored') THEN CASE p.basis WHEN 'TEAM_MEMBERS' THEN 1 ELSE m.units END
               WHEN NOT m.counted THEN 0
               WHEN m.kind IN ('SeatReleased', 'SeatDefaulted') THEN - CASE p.basis WHEN 'TEAM_MEMBERS' THEN 1 ELSE m.units END
               WHEN m.kind = 'SeatReduced' AND p.basis <> 'TEAM_MEMBERS' THEN - m.units_back
               ELSE 0 END AS change
    FROM seen AS m JOIN teams AS t USING (campaign_id, team_id)
    JOIN price_tables AS p ON p.campaign_id = t.campaign_id AND p.ladder_version = t.ladder_version
), played AS (
    SELECT campaign_id, team_id, version, f.fill AS said,
           coalesce(sum(m.change) OVER (PARTITION BY campaign_id, team_id ORDER BY version), 0) AS found
    FROM facts AS f LEFT JOIN moves AS m USING (campaign_id, team_id, version)
), judged AS (
    -- a team that failed or was cancelled, or formed and fell below its minimum, has released its seats by that one event
    SELECT p.team_id || ' at ' || p.version AS place, p.said, CASE
               WHEN p.version >= t.ended_version AND (t.state IN ('FAILED', 'CANCELLED') OR t.ended_version > t.formed_version) THEN 0 ELSE p.found END AS found
    FROM played AS p JOIN teams AS t USING (campaign_id, team_id)
    -- the price stays as it was when the team ended first
    UNION ALL SELECT p.team_id || ' now', t.fill, p.found
    FROM played AS p JOIN teams AS t USING (campaign_id, team_id)
    JOIN price_tables AS b ON b.campaign_id = t.campaign_id AND b.ladder_version = t.ladder_version
    WHERE p.version = coalesce(t.formed_version, t.ended_version, t.version) AND b.basis <> 'CAMPAIGN_UNITS'
)
SELECT count(*), count(*) FILTER (WHERE said <> found),
       (array_agg(place || ': ' || said || ', events give ' || found) FILTER (WHERE said <> found))[1:5]
FROM judged

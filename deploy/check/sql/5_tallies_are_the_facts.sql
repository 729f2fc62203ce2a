-- The seats that a campaign's last tally counts since the start, with those still to be counted, are those of its events.
-- database: pricing
WITH counted AS (
    SELECT campaign_id, sum(seats_held) AS held, sum(seats_confirmed) AS confirmed, sum(seats_left) AS gone, sum(seats_expired) AS expired
    FROM ((SELECT DISTINCT ON (campaign_id) campaign_id, seats_held, seats_confirmed, seats_left, seats_expired
           FROM tallies ORDER BY campaign_id, seq DESC)
          UNION ALL
          SELECT campaign_id, seats_held, seats_confirmed, seats_left, seats_expired FROM tally_deltas) AS both_
    GROUP BY campaign_id
), told AS (
    -- a confirmation after the team formed is that of a place filled from the waitlist, which nobody held before
    SELECT f.campaign_id, count(*) FILTER (WHERE f.kind IN ('SeatHeld', 'SeatSponsored')
                                           OR (f.kind = 'SeatConfirmed' AND f.version > t.formed_version)) AS held,
           count(*) FILTER (WHERE f.kind IN ('SeatConfirmed', 'SeatSponsored')) AS confirmed,
           count(*) FILTER (WHERE f.kind = 'SeatReleased') AS released
    FROM facts AS f JOIN teams AS t USING (campaign_id, team_id) GROUP BY f.campaign_id
), ended AS (
    -- a seat is released for good once at most; before that its hold may have run out, and its payment come late
    SELECT campaign_id, count(*) FILTER (WHERE release_reason IN ('LEFT', 'WITHDRAWN')) AS gone,
           count(*) FILTER (WHERE state = 'RELEASED' AND release_reason <> 'EXPIRED') AS for_good
    FROM seats GROUP BY campaign_id
), said AS (
    SELECT campaign_id, t.held, t.confirmed, coalesce(e.gone, 0) AS gone, t.released - coalesce(e.for_good, 0) AS expired
    FROM told AS t LEFT JOIN ended AS e USING (campaign_id)
), compared AS (
    SELECT campaign_id, c AS counted, s AS said,
           (c.held, c.confirmed, c.gone, c.expired) IS DISTINCT FROM (s.held, s.confirmed, s.gone, s.expired) AS wrong
    FROM counted AS c FULL JOIN said AS s USING (campaign_id)
)
SELECT count(*), count(*) FILTER (WHERE wrong),
       (array_agg(campaign_id || ': counted ' || counted::text || ', events say ' || said::text) FILTER (WHERE wrong))[1:5]
FROM compared

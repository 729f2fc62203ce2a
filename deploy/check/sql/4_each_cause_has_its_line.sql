-- Each event that gives back money of a confirmed seat, or reports it, has one settlement line; no other event has any.
-- database: pricing
WITH played AS (
    -- whether the seat was confirmed before the event: the last event that moved it was a confirmation
    SELECT f.campaign_id, f.seat_id, f.event_id, f.kind, max(f.version) FILTER (WHERE f.kind = 'SeatConfirmed') OVER before
           > coalesce(max(f.version) FILTER (WHERE f.kind IN ('SeatReleased', 'SeatDefaulted')) OVER before, 0) AS paying,
           -- lines after the forming come with the tally that the team waits for
           w.team_id IS NOT NULL AND f.version > w.team_version AS waits
    FROM facts AS f LEFT JOIN tally_waits AS w USING (campaign_id, team_id) WHERE f.seat_id IS NOT NULL
    WINDOW before AS (PARTITION BY f.campaign_id, f.seat_id ORDER BY f.version
                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), expected AS (
    SELECT campaign_id, seat_id, event_id FROM played
    WHERE (kind = 'LatePaymentReported' OR (paying AND kind IN ('SeatReleased', 'SeatReduced', 'SeatDefaulted')))
      AND NOT waits
), made AS (
    SELECT campaign_id, seat_id, cause_event_id AS event_id, count(*) AS lines FROM settlement_lines
    WHERE cause NOT IN ('TEAM_FORMED', 'TEAM_FAILED', 'TEAM_CANCELLED', 'DELIVERY_REFUSED') GROUP BY campaign_id, seat_id, cause_event_id
), compared AS (
    SELECT event_id, e.seat_id IS NULL OR m.lines IS DISTINCT FROM 1 AS wrong
    FROM expected AS e FULL JOIN made AS m USING (campaign_id, seat_id, event_id)
)
SELECT count(*), count(*) FILTER (WHERE wrong), (array_agg(event_id::text) FILTER (WHERE wrong))[1:5] FROM compared

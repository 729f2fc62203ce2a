-- notification has every member's seat as team_formation has it; what ended with its team has ended by the team's state.
-- database: team_formation
SELECT seat_id, member_id || ' ' || sku || ' ' || role || ' ' || quantity || ' ' || state FROM seats WHERE NOT sponsored
-- database: notification
SELECT s.seat_id, s.member_id || ' ' || s.sku || ' ' || s.role || ' ' || s.quantity || ' ' || CASE
    WHEN s.state = 'DEFAULTED' THEN 'DEFAULTED'
    WHEN t.state IN ('FAILED', 'CANCELLED') OR (s.state = 'WAITING' AND t.state = 'FORMED' AND t.waiting = 0) THEN 'RELEASED'
    ELSE s.state END
FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)

-- No event is parked in team_formation.
-- database: team_formation
SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM inbox WHERE parked),
       (SELECT (array_agg(topic || ' ' || key || ': ' || reason))[1:5] FROM parked_messages)

-- pricing has every team at its last version and state.
-- database: team_formation
SELECT team_id, state || ' at ' || version FROM teams
-- database: pricing
SELECT team_id, state || ' at ' || version FROM teams

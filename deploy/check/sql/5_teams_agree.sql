-- pricing has every team at its last version and state, with the same totals.
-- database: team_formation
SELECT team_id, state || ' at ' || version || ': ' || confirmed_members || ' ' || confirmed_units || ' ' || held_members || ' '
    || held_units || ' ' || waiting_members || ' ' || waiting_units || ' ' || sponsored_members || ' ' || sponsored_units FROM teams
-- database: pricing
SELECT team_id, state || ' at ' || version || ': ' || confirmed_members || ' ' || confirmed_units || ' ' || held_members || ' '
    || held_units || ' ' || waiting_members || ' ' || waiting_units || ' ' || sponsored_members || ' ' || sponsored_units FROM teams

-- pricing has every seat as team_formation has it; a failed team's confirmed seats stand there as of its end.
-- database: team_formation
SELECT seat_id, member_id || ' ' || sku || ' ' || role || ' ' || quantity || ' ' || CASE
    WHEN release_reason = 'TEAM_FAILED' THEN 'CONFIRMED' ELSE state || coalesce(' ' || release_reason, '') END FROM seats
-- database: pricing
SELECT seat_id, member_id || ' ' || sku || ' ' || role || ' ' || quantity || ' '
    || state || coalesce(' ' || release_reason, '') FROM seats

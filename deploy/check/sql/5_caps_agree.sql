-- pricing agrees with the cap of every seat; who waits for room has none yet.
-- database: team_formation
SELECT seat_id, cap || ' at ' || cap_fill || ' of tally ' || cap_tally_seq FROM seats
-- database: pricing
SELECT seat_id, cap || ' at ' || cap_fill || ' of tally ' || cap_tally_seq FROM seats

-- What a campaign's last tally says, with what is still to be counted, is what its teams say.
-- database: pricing
WITH last AS (
    SELECT DISTINCT ON (campaign_id) campaign_id, teams_opened, teams_formed, teams_failed, teams_cancelled,
           units_confirmed - units_left AS units_kept, members_confirmed_now, units_confirmed_now, units_held_now,
           units_of_fill
    FROM tallies ORDER BY campaign_id, seq DESC
), counted AS (
    SELECT campaign_id, sum(teams_opened) AS opened, sum(teams_formed) AS formed, sum(teams_failed) AS failed,
           sum(teams_cancelled) AS cancelled, sum(units_kept) AS kept, sum(members_confirmed_now) AS members,
           sum(units_confirmed_now) AS units, sum(units_held_now) AS held, sum(units_of_fill) AS fill
    FROM (SELECT * FROM last
          UNION ALL
          SELECT campaign_id, teams_opened, teams_formed, teams_failed, teams_cancelled, units_confirmed - units_left,
                 members_confirmed_now, units_confirmed_now, units_held_now, units_of_fill FROM tally_deltas) AS both_
    GROUP BY campaign_id
), formed_with AS (
    -- the seats that a team formed with, whatever became of them since
    SELECT s.campaign_id, s.team_id, sum(coalesce(s.formed_quantity, s.quantity)) AS units
    FROM seats AS s JOIN teams AS t USING (campaign_id, team_id)
    WHERE s.number < t.formed_version AND (s.state = 'CONFIRMED' OR s.formed_quantity IS NOT NULL)
    GROUP BY s.campaign_id, s.team_id
), said AS (
    SELECT campaign_id, count(*) AS opened, count(formed_version) AS formed,
           count(*) FILTER (WHERE state = 'FAILED') AS failed, count(*) FILTER (WHERE state = 'CANCELLED') AS cancelled,
           sum(confirmed_units) AS kept, sum(confirmed_members) AS members, sum(confirmed_units) AS units,
           sum(held_units) AS held,
           sum(CASE WHEN formed_version IS NULL THEN confirmed_units ELSE coalesce(w.units, 0) END) AS fill
    FROM teams LEFT JOIN formed_with AS w USING (campaign_id, team_id) GROUP BY campaign_id
), compared AS (
    SELECT campaign_id, c AS counted, s AS said,
           (c.opened, c.formed, c.failed, c.cancelled, c.kept, c.members, c.units, c.held, c.fill)
           IS DISTINCT FROM (s.opened, s.formed, s.failed, s.cancelled, s.kept, s.members, s.units, s.held, s.fill) AS wrong
    FROM counted AS c FULL JOIN said AS s USING (campaign_id)
)
SELECT count(*), count(*) FILTER (WHERE wrong),
       (array_agg(campaign_id || ': counted ' || counted::text || ', teams say ' || said::text) FILTER (WHERE wrong))[1:5]
FROM compared

-- Settlement lines, reports and payment facts of a team are numbered together from 1 to the last number promised, once no job of it is open.
-- database: pricing
WITH numbered AS (
    SELECT campaign_id, team_id, sequence FROM settlement_lines
    UNION ALL SELECT campaign_id, team_id, sequence FROM line_reports
    UNION ALL SELECT campaign_id, team_id, sequence FROM payment_facts
), counted AS (
    SELECT campaign_id, team_id, count(*) AS numbers, count(DISTINCT sequence) AS different, min(sequence) AS first, max(sequence) AS last
    FROM numbered GROUP BY campaign_id, team_id
), judged AS (
    SELECT coalesce(t.team_id, n.team_id) AS team_id, coalesce(t.settlement_sequence, 0) AS promised, coalesce(n.numbers, 0) AS numbers,
           coalesce(n.different, 0) AS different, coalesce(n.first, 1) AS first, coalesce(n.last, 0) AS last
    FROM teams AS t FULL JOIN counted AS n ON n.campaign_id = t.campaign_id AND n.team_id = t.team_id
    WHERE NOT EXISTS (SELECT FROM settlement_jobs AS j WHERE j.campaign_id = t.campaign_id AND j.team_id = t.team_id)
), wrong AS (
    SELECT * FROM judged WHERE NOT (numbers = promised AND different = promised AND first = 1 AND last = promised)
)
SELECT (SELECT count(*) FROM judged), (SELECT count(*) FROM wrong),
       (SELECT array_agg(example) FROM (SELECT team_id || ': ' || numbers || ' numbers, ' || different || ' of them different, '
            || first || ' to ' || last || ' of ' || promised AS example FROM wrong ORDER BY team_id LIMIT 5) AS few)

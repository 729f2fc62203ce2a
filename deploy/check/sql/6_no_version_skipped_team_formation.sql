-- The events of a key in team_formation are numbered without gaps.
-- database: team_formation
WITH numbered AS (
    SELECT aggregatetype, aggregateid, count(DISTINCT sequence) AS events, count(*) AS rows,
           max(sequence) - min(sequence) + 1 AS span
    FROM outbox GROUP BY aggregatetype, aggregateid
)
SELECT coalesce(sum(rows), 0)::bigint, count(*) FILTER (WHERE events <> span OR rows <> events),
       (array_agg(aggregatetype || ' ' || aggregateid) FILTER (WHERE events <> span OR rows <> events))[1:5]
FROM numbered

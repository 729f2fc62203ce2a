-- Each version of a campaign after its first is one change and one event.
-- database: team_formation
WITH changes AS (
    SELECT campaign_id, count(*) AS times, max(version) AS newest FROM campaign_changes GROUP BY campaign_id
), told AS (
    SELECT aggregateid, max(sequence) AS newest FROM outbox
    WHERE aggregatetype = 'groupbuy.campaign.v1' GROUP BY aggregateid
), keys AS (
    SELECT c.campaign_id, c.sequence, coalesce(k.times, 0) AS times, coalesce(k.newest, 1) AS newest,
           coalesce(t.newest, c.sequence) AS told  -- events leave with their age
    FROM campaigns AS c LEFT JOIN changes AS k USING (campaign_id)
    LEFT JOIN told AS t
        ON t.aggregateid = 'camp_' || translate(rtrim(encode(uuid_send(c.campaign_id), 'base64'), '='), '+/', '-_')
)
SELECT count(*), count(*) FILTER (WHERE sequence <> newest OR times <> sequence - 1 OR told <> sequence),
       (array_agg(campaign_id::text) FILTER (WHERE sequence <> newest OR times <> sequence - 1 OR told <> sequence))[1:5]
FROM keys

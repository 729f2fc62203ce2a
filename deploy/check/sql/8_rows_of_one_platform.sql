-- In team_formation, whatever is of a campaign or its teams belongs to the platform of that campaign.
-- database: team_formation
WITH rows AS (
    SELECT campaign_id, platform_id, 'terms ' || terms_version AS row FROM campaign_terms
    UNION ALL SELECT campaign_id, platform_id, 'change ' || version FROM campaign_changes
    UNION ALL SELECT campaign_id, platform_id, 'stock of ' || sku FROM stock
    UNION ALL SELECT campaign_id, platform_id, 'member ' || member_id FROM campaign_members
    UNION ALL SELECT campaign_id, platform_id, 'tally ' || seq FROM tallies
    UNION ALL SELECT campaign_id, platform_id, 'team ' || team_id FROM teams
    UNION ALL SELECT campaign_id, platform_id, 'listed team ' || team_id FROM listed_teams
    UNION ALL SELECT campaign_id, platform_id, 'seat ' || seat_id FROM seats
    UNION ALL SELECT campaign_id, platform_id, 'late payment ' || seat_id FROM late_payments
    UNION ALL SELECT campaign_id, platform_id, 'tag of seat ' || seat_id FROM seat_tags
    UNION ALL SELECT campaign_id, platform_id, 'joins by invite ' || invite_id FROM invite_rates
    UNION ALL SELECT campaign_id, platform_id, 'invite ' || invite_id FROM invites
    UNION ALL SELECT campaign_id, platform_id, 'link of seat ' || seat_id FROM member_links
    UNION ALL SELECT campaign_id, platform_id, 'use of an image' FROM image_uses
    UNION ALL SELECT campaign_id, platform_id, 'opens of invite ' || invite_id FROM invite_opens
    UNION ALL SELECT campaign_id, platform_id, 'card in a chat of team ' || team_id FROM chat_previews
    -- what a rule refused may name a campaign that is another platform's
    UNION ALL SELECT campaign_id, platform_id, 'request ' || rpc || ' ' || request_id FROM requests
              WHERE NOT refused AND campaign_id <> '00000000-0000-0000-0000-000000000000'
)
SELECT count(*), count(*) FILTER (WHERE rows.platform_id IS DISTINCT FROM c.platform_id),
       (array_agg(row) FILTER (WHERE rows.platform_id IS DISTINCT FROM c.platform_id))[1:5]
FROM rows LEFT JOIN campaigns AS c USING (campaign_id)

-- Who earns a commission by a seat, and how much: from the invite it came by, kept with the seat and told in its events.
ALTER TABLE seats
    ADD COLUMN promoter_id             text    NOT NULL DEFAULT '',  -- empty where nobody earns
    ADD COLUMN commission_basis_points integer NOT NULL DEFAULT 0 CHECK (commission_basis_points BETWEEN 0 AND 10000);
UPDATE seats AS s SET promoter_id = i.promoter_id, commission_basis_points = i.commission_basis_points
    FROM invites AS i WHERE i.campaign_id = s.campaign_id AND i.invite_id = s.invite_id AND i.commission_basis_points > 0;

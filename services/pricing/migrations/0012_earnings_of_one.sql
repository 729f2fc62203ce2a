-- What one beneficiary earns in a campaign is summed up without reading what all others earn there.
CREATE INDEX beneficiary_lines_of_one ON beneficiary_lines (campaign_id, beneficiary_id);

-- Teams of test twins by when they are due: their clocks may be weeks ahead, and then the other indexes have what is due
-- in weeks of all platforms. The condition is that of services/chassis/twins.py.
CREATE INDEX teams_of_twins_due ON teams (platform_id, due_at)
    WHERE substr(platform_id::text, 15, 1) = '8' AND state IN ('FORMING', 'TIPPED');
CREATE INDEX teams_of_twins_waiting ON teams (platform_id, due_at)
    WHERE substr(platform_id::text, 15, 1) = '8' AND state = 'FORMED' AND waiting_members > 0;

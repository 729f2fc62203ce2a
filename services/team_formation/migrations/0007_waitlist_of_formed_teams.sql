-- Finds formed teams in which somebody waits still for a place that is not paid, and no longer than its windows last.
CREATE INDEX teams_waiting_formed ON teams (due_at) WHERE state = 'FORMED' AND waiting_members > 0;

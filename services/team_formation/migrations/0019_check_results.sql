-- What the last `groupbuy check --record` found, so that metrics can tell it: a check runs for seconds, and is scraped by nobody.
CREATE TABLE check_results (
    invariant   text        PRIMARY KEY,
    violations  bigint      NOT NULL,
    checked     bigint      NOT NULL,              -- things looked at
    finished_at timestamptz NOT NULL               -- the machine's time; of one check the same in all rows
);

"""The metrics of team_formation. No label names a platform, a campaign, a team or a member."""

from prometheus_client import Counter, Gauge

OPEN_TEAMS = Gauge(
    "groupbuy_open_teams",
    "Teams that are open, by state: forming or tipped; no more than 100000 are counted. Those that ended are counted by"
    " groupbuy_facts_total. Each process with timers tells it of the whole database: take the max.",
    ["state"],
)
CHECK_VIOLATIONS = Gauge(
    "groupbuy_check_violations",
    "Violations of each invariant that the last `groupbuy check --record` found."
    " Each process with timers tells it of the whole installation: take the max.",
    ["invariant"],
)
CHECK_AT = Gauge(
    "groupbuy_check_finished_timestamp_seconds",
    "When the last `groupbuy check --record` ended, as Unix time; 0: never."
    " Each process with timers tells it of the whole installation: take the max.",
)
SIGNS = Counter(
    "groupbuy_abuse_signals_total",
    "Joins that showed a signal of abuse, by what the campaign's rule says: allow, flag or refuse.",
    ["signal", "action"],
)
HOOK_CALLS = Counter(
    "groupbuy_hook_calls_total", "Calls of chat services by what became of them.", ["channel", "outcome"]
)
FETCHES = Counter(
    "groupbuy_image_fetches_total", "Attempts to fetch pictures of products: new, unchanged or failed.", ["outcome"]
)

"""The metrics of notification. No label names a member."""

from prometheus_client import Counter, Gauge, Histogram

_SLOW = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)

ATTEMPTS = Counter("groupbuy_delivery_attempts_total", "Attempts to send, by outcome.", ["channel", "outcome"])
ENDED = Counter(
    "groupbuy_deliveries_total", "Deliveries that ended, by the last channel and how.", ["channel", "outcome"]
)
DELAY = Histogram(
    "groupbuy_delivery_delay_seconds",
    "Time from when a message was due until its attempt had ended. What a member's wishes or a platform's windows put"
    " off is due later; an attempt that is made again is due anew.",
    ["channel"],
    buckets=_SLOW,
)
DUE = Gauge(
    "groupbuy_deliveries_due",
    "Messages whose turn has come and that have not ended, by channel; no more than 100000 are counted of each."
    " Each process with timers tells it of the whole database: take the max.",
    ["channel"],
)
IN_FLIGHT = Gauge("groupbuy_delivery_attempts_in_flight", "Attempts to send that are under way.", ["channel"])
FANOUT_DROPPED = Counter(
    "groupbuy_fanout_dropped_total", "Events never told because the copy of their team did not reach them."
)
TEMPLATES_FAILED = Counter(
    "groupbuy_templates_failed_total", "Messages written with built-in words because the platform's template failed."
)
CHAT_ANSWERS = Counter("groupbuy_chat_answers_total", "Answers in chats, by way and outcome.", ["way", "outcome"])
POSTS = Counter(
    "groupbuy_webhook_posts_total", "Posts to platforms' endpoints, by outcome: taken or failed.", ["outcome"]
)
POSTS_IN_FLIGHT = Gauge("groupbuy_webhook_posts_in_flight", "Posts to platforms' endpoints under way.")
ENDPOINTS_DISABLED = Counter("groupbuy_webhook_endpoints_disabled_total", "Endpoints that were disabled for failing.")
WITHOUT_PLACE = Counter(
    "groupbuy_messages_without_link_total",
    "Messages about a seat that went without the link of the member's page: team_formation did not answer.",
)

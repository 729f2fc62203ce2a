"""Whether tables and statements allow a PostgreSQL that spreads tables by campaign, and what does not, with reasons.

Such a one (Citus and its like) wants the column that rows are spread by in every primary key and unique index, and
sends a statement to one machine where the statement says which campaign it is about.
"""

from collections.abc import Iterable, Mapping

from tests.support.isolation.proving import Prover
from tests.support.isolation.sources import Level, Table

BY = "campaign_id"

WHOLE: Mapping[str, str] = {
    "audit_entries": "of a platform; grows with what is set up, not with what is sold",
    "captured": "GROWS with what a test twin would send, kept for 30 days and 100,000 at most: of a platform",
    "channel_accounts": "of a platform",
    "channel_pauses": "of a platform",
    "chat_apps": "of a platform",
    "chat_codes": "of a platform's member, for minutes",
    "chat_paces": "of an app, a row for each chat it writes to",
    "check_results": "a row for each invariant",
    "clock_targets": "a row for each test twin whose clock moves",
    "contact_points": "GROWS with members: of a platform's member, who joins many campaigns",
    "erased_members": "of a platform's member, until the erasure is complete",
    "erasure_key": "one row",
    "event_readers": "of a platform",
    "hidden_content": "of a platform",
    "hook_calls": "GROWS with calls of chat services, kept for 8 days: which campaign it is about is found later",
    "image_files": "of a picture, which several campaigns may show",
    "images": "of a platform's picture, which several campaigns may show",
    "inbox": "GROWS with teams, a row for each key and topic: the key is the topic's own, opaque to the chassis",
    "invite_codes": "GROWS with invites: only finds the campaign, by the hash of a code; spread by the hash",
    "key_uses": "of a key",
    "member_chats": "of a platform's member",
    "member_messages": "GROWS with what members write, kept for 30 days: of a platform's member",
    "member_replies": "goes with member_messages",
    "members": "GROWS with members: of a platform, as the same member joins many campaigns",
    "merchant_sweeps": "of a merchant, until it is worked off",
    "message_days": "of a platform and day",
    "messaging_windows": "of a platform",
    "outbox": "GROWS with events, kept as long as topics: read in the order of one sequence, by day",
    "own_messages": "of a platform, until it is written to all",
    "parked_messages": "what could not be applied: empty, or an operator looks",
    "platform_events": "GROWS with what platforms read, kept for 7 days: of a platform, in the order of one sequence",
    "platform_keys": "of a platform",
    "platform_limits": "of a platform",
    "platforms": "a row for each shop",
    "promoter_links": "of a promoter",
    "relay_positions": "a row for each shard",
    "reminder_marks": "a row for each finder",
    "schema_migrations": "a row for each file",
    "share_templates": "of a platform",
    "suspended_merchants": "of a merchant",
    "template_sets": "of a platform",
    "templates": "of a platform",
    "twin_reminder_marks": "a row for each finder and test twin",
    "webhook_attempts": "GROWS with platform_events, kept for 7 days",
    "webhook_endpoints": "of a platform",
    "webhook_posts": "GROWS with platform_events, and goes with them",
    "wechat_files": "of a platform",
}
"""Tables that have no campaign in their primary key. GROWS marks those that get larger with what is sold or sent."""

UNIQUE: Mapping[str, str] = {
    "group_chats": "group_id alone is unique too: a campaign is not known where a group is stopped by its id",
}
"""Tables that are spread by campaign but for a unique index without it."""

HOT: Mapping[str, str] = {
    "invites": "joined to invite_codes, which only finds the campaign, once for each code and process",
    "settlement_jobs": "found by a finder, of all campaigns; each is worked off by its campaign",
    "tally_deltas": "found by a finder, of all campaigns; each campaign is summed by itself",
    "tally_waits": "found by a finder, of all campaigns",
}
"""Tables that something on a hot path reads without a campaign, and why."""


def by_campaign(tables: Mapping[str, Table]) -> Prover:
    """Make a prover for which a campaign is the only key there is; ask it about statements from `without_platforms`."""
    return Prover(
        {
            name: Table(
                frozenset(map(without_platforms, table.columns)),
                frozenset({frozenset({BY})}) if BY in table.columns else frozenset(),
                frozenset(link for link in table.links if BY in link),
            )
            for name, table in tables.items()
        }
    )


def without_platforms(text: str) -> str:
    """Give a statement, or a column, in which a platform is no key: a name that the prover knows nothing of."""
    return text.replace("platform_id", "platform")


def unspread(statements: Iterable[str], tables: Mapping[str, Table]) -> dict[str, set[str]]:
    """Give the tables that statements read or write without naming a campaign, with the statements."""
    prover, found = by_campaign(tables), dict[str, set[str]]()
    for statement in statements:
        for access in prover.accesses(without_platforms(statement)):
            if access.level is Level.NOTHING and access.table in tables:
                found.setdefault(access.table, set()).add(statement)
    return found

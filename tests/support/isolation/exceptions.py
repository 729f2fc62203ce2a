"""What the rule of isolation does not hold for, each with its reason: the one place where such a thing is allowed.

An exception that nothing needs any more is a failure, so that the list stays short.
"""

from collections.abc import Mapping
from typing import NamedTuple

IDS_IN_TEXT: Mapping[str, str] = {
    "app_id": "random, made by us; the last part of the secret address that a chat service calls",
    "pseudonym": "random, made by us; stands for one erased member of one platform",
    "aggregateid": "the key of an event's topic: an opaque id, which contains the campaign",
}
"""Columns that name one row, or the rows of one campaign, though they are no UUIDs."""

TABLES_OF_NO_PLATFORM: Mapping[str, str] = {
    "check_results": "what the last check of the invariants found: names and counts, and no platform's data",
    "erasure_key": "the key that a service hashes ids of erased members with, of all platforms, with the platform's id",
    "inbox": "how far a consumer is, by the key of a topic; holds a number and no platform's data",
    "parked_messages": "events that could not be applied; operators read them, no RPC does",
    "relay_positions": "how far the relay is",
    "reminder_marks": "how far the finder of ends has come",
    "schema_migrations": "which migrations were applied",
    "pg_inherits": "PostgreSQL's own",
    "pg_class": "PostgreSQL's own",
    "pg_stat_user_tables": "PostgreSQL's own",
    "pg_tables": "PostgreSQL's own",
    "pg_index": "PostgreSQL's own",
    "pg_attribute": "PostgreSQL's own",
    "pg_constraint": "PostgreSQL's own",
}


class Allowed(NamedTuple):
    """The tables that a function may read or write without a platform, and why."""

    tables: frozenset[str]
    why: str


def _may(tables: str, why: str) -> Allowed:
    return Allowed(frozenset(tables.split()), why)


_RELAY = "the relay carries every platform's events to Kafka"
_REBUILD = "an operator's command builds pricing's tables again, those of all platforms"
_SEALED = "an operator's command seals secrets with the newest key, those of all platforms"
_DUE = "finds or takes what is due, of all platforms; what follows goes by the platform, or the keys, of what was found"
_MEASURED = "counts or finds the oldest of all platforms' work for metrics: a number or a time leaves, and no row"
_OLD = "removes what is older than it is kept, of all platforms"

FUNCTIONS: Mapping[str, Allowed] = {
    # whose key, whose code
    "chassis.platforms:_find_key": _may(
        "platforms platform_keys", "tells whose key it is: the platform follows from it"
    ),
    "chassis.platforms:_save_keys": _may(
        "platforms platform_keys", "keys go over to a twin from former twins of the same platform, by that platform"
    ),
    "chassis.twin_rows:find_retired": _may("platforms", "finds which twins were given up, of all platforms"),
    "chassis.twin_clocks:_find_ahead": _may("platforms", "tells a process whose clocks are ahead, of all platforms"),
    "team_formation.store.invites:find_doors": _may(
        "invite_codes invites", "tells where a code leads, by the code's hash; the caller compares the platform"
    ),
    # operators
    "team_formation.store.platforms:list_platforms": _may("platforms platform_keys", "lists platforms for operators"),
    "notification.store.accounts:find_sealed_otherwise": _may("channel_accounts", _SEALED),
    "notification.store.captured:find_captured_sealed_otherwise": _may("captured", _SEALED),
    "notification.store.chats:find_sealed_otherwise": _may("member_chats", _SEALED),
    "notification.store.endpoints:find_endpoints_sealed_otherwise": _may("webhook_endpoints", _SEALED),
    "notification.store.members:find_points_sealed_otherwise": _may("contact_points", _SEALED),
    "team_formation.store.chat_apps:find_sealed_otherwise": _may("chat_apps", _SEALED),
    "team_formation.store.chat_seals:find_sealed_otherwise": _may("chat_previews", _SEALED),
    "chassis.relay:rewind": _may("outbox", "an operator has every platform's events published again"),
    "chassis.relay:have_heard": _may("pg_locks pg_database", "which relays run: no rows of anybody"),
    "pricing.store.rebuild:fix_teams": _may("tally_waits tally_fixes teams tallies", _REBUILD),
    "pricing.store.rebuild:load_taken": _may("line_reports payment_facts deliveries_reported", _REBUILD),
    "pricing.store.rebuild:end_numbers": _may("line_reports payment_facts deliveries_reported teams", _REBUILD),
    "pricing.store.rebuild:list_refused": _may("deliveries_reported teams settlement_jobs settlement_lines", _REBUILD),
    "pricing.store.rebuild:stop_the_clock": _may("settlement_jobs", _REBUILD),
    "pricing.store.rebuild:carry_over": _may("teams", _REBUILD),
    "pricing.store.rebuild:_take_over": _may("price_steps price_tables tallies tally_fixes", _REBUILD),
    "pricing.store.rebuild:_difference": _may(
        "beneficiary_lines facts payment_terms price_steps price_tables seats settlement_jobs settlement_lines"
        " tallies tally_fixes teams",
        _REBUILD,
    ),
    # from the outbox to Kafka, and to who watches
    "chassis.relay:RelaySession._read": _may("outbox", _RELAY),
    "chassis.outbox:unsent": _may("outbox", _RELAY),
    "team_formation.store.watching:find_told": _may(
        "outbox", "finds which teams changed; each is read by its campaign"
    ),
    "team_formation.store.tallies:find_turned": _may(
        "tallies", "finds campaigns whose prices turned; each is read by its key"
    ),
    # finders over all platforms
    "chassis.erased_rows:is_any": _may("erased_members", "whether anybody at all is erased"),
    "chassis.erased_rows:find_due": _may("erased_members", _DUE),
    "notification.store.campaigns:take_due_reminders": _may("start_reminders campaigns", _DUE),
    "notification.store.claims:claim_due": _may("deliveries", _DUE),
    "notification.store.digests:take_due_digests": _may("join_digests teams", _DUE),
    "notification.store.groups:take_due_groups": _may("group_chats teams team_prices", _DUE),
    "notification.store.jobs:lock_ready_job": _may("fanout_jobs", _DUE),
    "notification.store.own_messages:lock_own_message": _may("own_messages", _DUE),
    "notification.store.posts:claim_posts": _may("webhook_posts webhook_endpoints platform_events", _DUE),
    "notification.store.promoters:take_due_days": _may("promoter_days", _DUE),
    "notification.store.reminders:_take": _may("teams seats", _DUE),
    "notification.store.endpoints:list_patterns": _may(
        "webhook_endpoints",
        "which kinds of events each platform's endpoints want, asked before a batch of all platforms",
    ),
    "pricing.store.awaited:find_due_payments": _may("awaited_payments", _DUE),
    "pricing.store.jobs:find_jobs": _may("settlement_jobs tally_waits", _DUE),
    "pricing.store.tallies:find_untallied": _may("tally_deltas tally_waits", _DUE),
    "team_formation.store.chat_apps:claim_calls": _may("hook_calls chat_apps", _DUE),
    "team_formation.store.chat_moves:has_previews": _may("chat_previews", "whether there is any card at all"),
    "team_formation.store.chat_moves:_move": _may("chat_previews teams campaigns tallies stock", _DUE),
    "team_formation.store.chat_previews:_claim": _may("chat_previews", _DUE),
    "team_formation.store.chat_previews:claim_lanes": _may("chat_previews chat_paces", _DUE),
    "team_formation.store.images:claim_images": _may("images", _DUE),
    "team_formation.store.merchants:find_merchant_sweeps": _may("merchant_sweeps", _DUE),
    "team_formation.store.sweeps:find_sweeps": _may("campaigns", _DUE),
    "team_formation.store.clock_targets:find_moving": _may("clock_targets", _DUE),
    "team_formation.store.teams:find_due": _may("teams", _DUE),
    # what metrics tell
    "notification.store.measures:count_due": _may("deliveries", _MEASURED),
    "notification.store.measures:find_oldest_due": _may("fanout_jobs join_digests", _MEASURED),
    "pricing.store.measures:find_oldest_due": _may("settlement_jobs tally_deltas awaited_payments", _MEASURED),
    "team_formation.store.measures:count_open_teams": _may("teams", _MEASURED),
    "team_formation.store.measures:find_oldest_due": _may("teams hook_calls", _MEASURED),
    # what time removes
    "notification.store.message_days:drop_message_days": _may("message_days", _OLD),
    "notification.store.captured:drop_most": _may("captured", _OLD),
    "notification.store.chats:forget_codes": _may("chat_codes", _OLD),
    "notification.store.jobs:drop_waiting_jobs": _may("fanout_jobs", _OLD),
    "notification.store.member_messages:forget_member_messages": _may("member_messages", _OLD),
    "notification.store.platform_events:drop_events": _may("platform_events webhook_attempts", _OLD),
    "notification.store.platform_events:drop_readers": _may("event_readers webhook_endpoints", _OLD),
    "team_formation.store.chat_apps:forget_calls": _may("hook_calls", _OLD),
    "team_formation.store.chat_previews:forget_old": _may("chat_previews", _OLD),
    "team_formation.store.images:drop_images": _may("images image_uses image_files", _OLD),
    # what is public by its name
    "team_formation.store.images:find_bytes": _may("image_files", "an address of a picture names no platform"),
    "team_formation.store.wechat_files:find_content": _may(
        "wechat_files", "WeChat asks for a name and knows no platform"
    ),
}
"""Functions, without `services.` before them."""

UNREAD: Mapping[str, str] = {
    "chassis.horizon:Horizon.look": "asks which transactions are under way; reads no table",
    "chassis.migrations:_in_one_transaction": "carries out migration files",
    "chassis.partitions:_make": "makes a partition of the outbox",
    "chassis.partitions:_drop": "drops a partition of the outbox, after a look whether all of it was sent",
    "chassis.statistics:renew": "ANALYZE",
    "chassis.wakes:Wakes._listen": "LISTEN",
    "chassis.old_rows:remove_old": "removes what is older than it is kept, from tables that retention.toml names",
    "chassis.twin_rows:remove_rows": "removes rows of a twin that was given up, by its id or campaigns, from any table",
    "chassis.exporting:_rows": "executes the sections of stores, which are read there",
    "chassis.rows:ask": "executes what stores give it, which is read there",
    "chassis.rows:put": "executes what stores give it, which is read there",
    "pricing.store.rebuild:prepare": _REBUILD,
    "pricing.store.rebuild:carry_over": _REBUILD,
}
"""Functions with a statement that cannot be read from the source, because what it is made of is known at run time."""

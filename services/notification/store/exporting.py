"""What notification holds of a member, as it is exported; `sealed` is opened by who writes the record."""

from services.chassis.exporting import Section, Write

_OF = "WHERE platform_id = %(platform)s AND member_id = %(member)s"


def sections(open_point: Write, open_chat: Write, open_captured: Write) -> tuple[Section, ...]:
    """Name what is exported; addresses are opened by those who can."""
    return (
        Section(
            "members",
            "SELECT member_id, language, time_zone, quiet_from, quiet_until, muted, muted_all, promotions,"  # noqa: S608 - constants
            f" unsubscribed_at, tags, updated_at FROM members {_OF} ORDER BY member_id",
        ),
        Section(
            "contact_points",
            "SELECT platform_id, member_id, position, contact_id, channel, address, sealed, key_id, gone_at, gone_why,"  # noqa: S608 - constants
            f" consent_source, consent_at FROM contact_points {_OF} ORDER BY position",
            write=open_point,
        ),
        Section(
            "member_chats",
            "SELECT platform_id, member_id, chat_id, service, bound_at, heard_at, gone_why, sealed, key_id, identity,"  # noqa: S608 - constants
            f" via FROM member_chats {_OF} ORDER BY bound_at, chat_id",
            write=open_chat,
        ),
        Section("chat_codes", f"SELECT via, expires_at FROM chat_codes {_OF} ORDER BY expires_at, code_hash"),  # noqa: S608 - constants
        Section(
            "member_messages",
            "SELECT message_id, service, seat_id, words, written_at, received_at"  # noqa: S608 - constants
            f" FROM member_messages {_OF} ORDER BY received_at, message_id",
        ),
        Section(
            "member_replies",
            "SELECT r.message_id, r.reply_id, r.words, r.replied_at FROM member_messages AS m"
            " JOIN member_replies AS r USING (platform_id, message_id)"
            " WHERE m.platform_id = %(platform)s AND m.member_id = %(member)s ORDER BY r.replied_at, r.reply_id",
        ),
        Section(
            "deliveries",
            "SELECT campaign_id, delivery_id, team_id, seat_id, kind, language, subject, body, created_at, state,"  # noqa: S608 - constants
            f" reason, ended_at, channel, attempts FROM deliveries {_OF} ORDER BY created_at, delivery_id",
        ),
        Section(
            "attempts",
            "SELECT a.delivery_id, a.number, a.channel, a.attempted_at, a.outcome, a.provider_id, a.detail"
            " FROM deliveries AS d JOIN attempts AS a USING (campaign_id, delivery_id)"
            " WHERE d.platform_id = %(platform)s AND d.member_id = %(member)s ORDER BY a.attempted_at, a.delivery_id,"
            " a.number",
        ),
        Section(
            "captured",
            "SELECT platform_id, captured_id, kind, captured_at, kept_at, number, channel, outcome, detail, content,"  # noqa: S608 - constants
            f" posted, key_id FROM captured {_OF} ORDER BY captured_at, captured_id",
            write=open_captured,
        ),
        Section(
            "start_reminders",
            f"SELECT campaign_id, before_seconds FROM start_reminders {_OF} ORDER BY campaign_id",  # noqa: S608 - constants
        ),
        Section(
            "promoter_days",
            'SELECT campaign_id, joined, "left", due_at FROM promoter_days WHERE platform_id = %(platform)s'
            " AND promoter_id = %(member)s ORDER BY campaign_id",
        ),
    )

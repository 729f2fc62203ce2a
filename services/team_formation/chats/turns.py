"""Lets cards of one chat be changed in turn, where a service limits a chat besides the app."""

from collections.abc import Sequence
from datetime import datetime

from services.chassis.database import Connection
from services.team_formation.chats.rates import RATES
from services.team_formation.hooks.reading.incoming import Way
from services.team_formation.store import chat_turns as shelf
from services.team_formation.store.chat_previews import Claimed
from services.team_formation.store.chat_turns import Chat


async def in_turn(connection: Connection, claimed: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """Give those claimed cards that may be changed now; what else is due in their chats gets a later time.

    The locks of their ways' paces are held.
    """
    chats = sorted({_chat(one) for one in claimed if one.chat})
    if not chats:
        return list(claimed)
    free_at = dict.fromkeys(chats, now) | await shelf.find_turns(connection, chats)
    may, held = list[Claimed](), list[Claimed]()
    taken = dict[Chat, datetime]()
    for one in claimed:
        chat = _chat(one)
        if one.chat and free_at[chat] > now:
            held.append(one)
            continue
        may.append(one)
        if one.chat:
            free_at[chat] = taken[chat] = now + RATES[Way(one.way)].in_chat
    if taken:
        await shelf.keep_turns(connection, taken)
    if held:
        lines = {_chat(one): (free_at[_chat(one)], RATES[Way(one.way)].in_chat) for one in held}
        await shelf.line_up(connection, held, lines, now)
    return may


def _chat(one: Claimed) -> Chat:
    return one.app_id, one.way, one.chat

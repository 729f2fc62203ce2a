"""What is done with what somebody says in a private chat: commands, codes, and words for the seller.

Elsewhere, where others read along, only invites that are named are shown (`finding.py`).
"""

from collections.abc import Sequence
from dataclasses import replace

from services.chassis.errors import Rejected
from services.chassis.reasons import reasons
from services.team_formation.chats.cards import Card
from services.team_formation.chats.finding import Finder, Found
from services.team_formation.chats.hearing import Act, Heard, Hearing, Known, Sender
from services.team_formation.chats.leaving import Leaving
from services.team_formation.chats.own_seats import Own, OwnSeats, card_of_own
from services.team_formation.hooks.reading.incoming import Incoming, Kind, Way
from services.team_formation.hooks.reading.words import Command
from services.team_formation.store.chat_apps import DueCall
from services.team_formation.web.words import Words, words_for

_NOTHING = Found()
_SHOWN_TO_ONE = frozenset({Way.SLACK_RESPONSE_URL, Way.DISCORD})


class Talks:
    """Answers people."""

    def __init__(self, finder: Finder, hearing: Hearing, seats: OwnSeats, leaving: Leaving) -> None:
        self._finder = finder
        self._hearing = hearing
        self._seats = seats
        self._leaving = leaving

    def is_asked(self, incoming: Incoming | None) -> bool:
        """Tell, without asking anybody, whether there may be something to do."""
        if incoming is None:
            return False
        return _is_private(incoming) or (incoming.reply is not None and self._finder.is_asked(incoming))

    async def answer(self, call: DueCall, incoming: Incoming, is_wanted: bool = True) -> Found:  # noqa: FBT001, FBT002 - of a call
        """Do what was asked for, and find what to say; the same call again has no more effect.

        Where nobody waits for it any more (`is_wanted`), no place is given back: who wanted that has seen no answer.
        """
        if not _is_private(incoming):
            return await self._finder.find(call.platform_id, incoming)
        sender = Sender(
            call.platform_id,
            f"{call.app_id}/{call.event_id}",
            incoming.service,
            address_of(incoming),
            incoming.language,
            call.happened_at,
            call.is_covered,
        )
        found = await self._private(call, incoming, sender, is_wanted=is_wanted)
        return replace(found, is_private=True)

    async def _private(self, call: DueCall, incoming: Incoming, sender: Sender, *, is_wanted: bool) -> Found:
        said = incoming.said
        if incoming.kind is Kind.REMOVED:
            await self._hearing.hear(sender, Act.LEFT)
            return _NOTHING
        match said.command:
            case Command.START:
                return await self._started(incoming, sender)
            case Command.STOP:
                known = await self._hearing.hear(sender, Act.STOPPED)
                return self._said("chat_stopped" if known.heard is Heard.MUTED else "chat_stranger", known, sender)
            case Command.LEAVE:
                return await self._leave(call, incoming, sender) if is_wanted else _NOTHING
            case Command.STATUS if not said.argument:
                return await self._status(incoming, sender, await self._hearing.hear(sender, Act.ASKED))
            case _:
                return await self._written(incoming, sender)

    async def _started(self, incoming: Incoming, sender: Sender) -> Found:
        """Bind the chat by a code; else show the invite that is named, or what one can do here."""
        known = await self._hearing.hear(sender, Act.STARTED, code=incoming.said.argument[:64])
        if known.heard is Heard.BOUND:
            own = await self._own(sender, known) if _is_answered_to_sender(incoming, sender) else []
            return _led_by(_words(known, sender).say("chat_bound"), _cards(own, _language(known, sender)))
        if known.heard is Heard.UNMUTED:
            return self._said("chat_started", known, sender)
        return await self._finder.find(sender.platform_id, incoming)

    async def _status(self, incoming: Incoming, sender: Sender, known: Known) -> Found:
        if known.heard is not Heard.KNOWN:
            return self._said("chat_which", known, sender)
        if not _is_answered_to_sender(incoming, sender):
            return self._said("chat_on_page", known, sender)
        own = await self._own(sender, known)
        if not own:
            return self._said("chat_no_place", known, sender)
        language = _language(known, sender)
        return Found(_cards(own, language), language=language)

    async def _leave(self, call: DueCall, incoming: Incoming, sender: Sender) -> Found:
        """Say what leaving means, with a number for each place; or give back the place whose number is repeated."""
        known = await self._hearing.hear(sender, Act.ASKED)
        if known.heard is not Heard.KNOWN:
            return self._said("chat_stranger", known, sender)
        if not _is_answered_to_sender(incoming, sender):
            return self._said("chat_on_page", known, sender)
        words, language = _words(known, sender), _language(known, sender)
        left = await self._leaving.again(call, sender)
        own = [] if left else [one for one in await self._own(sender, known) if one.view.may_leave]
        said = incoming.said.argument
        if not left and said and call.allows_leave and (meant := self._leaving.meant(sender, own, said)):
            left = await self._leaving.leave(call, sender, meant)
        if left:
            sentence = _sentence(left.refused, words) if left.refused else words.say("my_LEFT")
            return Found(text=f"{left.title}: {sentence}", language=language)
        if not own:
            return self._said("chat_no_place", known, sender)
        if not call.allows_leave:
            return _led_by(words.say("chat_leave_there"), _cards(own, language))
        steps = [self._step(sender, one, words) for one in own]
        return Found(text="\n\n".join(steps), language=language)

    def _step(self, sender: Sender, own: Own, words: Words) -> str:
        how = words.say("chat_leave", number=self._leaving.number(sender, own.seat.seat_id))
        return "\n".join((own.view.title, *own.view.leaving, how))

    async def _written(self, incoming: Incoming, sender: Sender) -> Found:
        """Show the invites that are named; what is said besides goes to the seller, if a member said it."""
        found, said = await self._finder.find(sender.platform_id, incoming), incoming.said
        words = said.besides if found.cards else said.text.strip()
        if said.command is Command.STATUS or incoming.kind not in {Kind.MESSAGE, Kind.COMMAND} or not words:
            return found
        known = await self._hearing.hear(sender, Act.WROTE, text=said.text)
        return found if found != _NOTHING else self._taken(known, sender)

    def _taken(self, known: Known, sender: Sender) -> Found:
        """Say what became of words."""
        words = _words(known, sender)
        texts = {
            Heard.KEPT: words.say("chat_kept") if known.is_first else "",
            Heard.MUTED: words.say("chat_stopped"),
            Heard.UNMUTED: words.say("chat_started"),
            Heard.TOO_MANY: reasons()["TOO_MANY_MESSAGES"].buyer_sentence(words.language, {}) or words.say("broken"),
        }
        text = texts.get(known.heard, "")
        return Found(text=text, language=words.language) if text else _NOTHING

    async def _own(self, sender: Sender, known: Known) -> Sequence[Own]:
        return await self._seats.find(sender.platform_id, known.member_id, known.seats, _language(known, sender))

    def _said(self, key: str, known: Known, sender: Sender) -> Found:
        words = _words(known, sender)
        return Found(text=words.say(key), language=words.language)


def _is_private(incoming: Incoming) -> bool:
    return incoming.kind is not Kind.LINK and bool(incoming.sender) and can_be_private(incoming)


def can_be_private(incoming: Incoming) -> bool:
    """Tell whether nobody else reads the answer: in a private chat, or where the service shows it to one alone."""
    if incoming.is_group is False:
        return True
    return incoming.reply is not None and incoming.reply.way in _SHOWN_TO_ONE


def _is_answered_to_sender(incoming: Incoming, sender: Sender) -> bool:
    """Tell whether an answer reaches who is named as sender, whoever made the call.

    Where nothing is signed, DingTalk's answers go wherever the call says: to its maker.
    """
    is_elsewhere = incoming.reply is not None and incoming.reply.way is Way.DINGTALK
    return sender.is_signed or not is_elsewhere


def address_of(incoming: Incoming) -> str:
    """Write who did something as the channel of the same name addresses it."""
    is_number = incoming.service == "whatsapp" and incoming.sender.isascii() and incoming.sender.isdigit()
    return f"+{incoming.sender}" if is_number else incoming.sender


def _cards(own: Sequence[Own], language: str) -> tuple[Card, ...]:
    return tuple(card_of_own(one, language) for one in own)


def _led_by(text: str, cards: tuple[Card, ...]) -> Found:
    """Say a text, before cards where there are any."""
    if not cards:
        return Found(text=text)
    first = replace(cards[0], lines=(text, *cards[0].lines))
    return Found((first, *cards[1:]), language=first.language)


def _language(known: Known, sender: Sender) -> str:
    return known.language or sender.language


def _words(known: Known, sender: Sender) -> Words:
    return words_for(_language(known, sender), "")


def _sentence(refused: Rejected, words: Words) -> str:
    return reasons()[refused.reason].buyer_sentence(words.language, refused.metadata) or words.say("broken")

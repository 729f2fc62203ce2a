"""Telegram: updates of a bot, each with the secret token that was given to setWebhook.

https://core.telegram.org/bots/api#setwebhook: the header `X-Telegram-Bot-Api-Secret-Token` has the token. Nothing is
signed, so the body is not covered, and there is no time in the proof: whoever has the token can write updates. Every
update has an `update_id`, which repeats when it is sent again (https://core.telegram.org/bots/api#update).
"""

from dataclasses import dataclass, field

from services.team_formation.hooks import secret_forms
from services.team_formation.hooks.admission import JSON_ONLY, NOT_KNOWN, NOT_PROVEN, NOT_READABLE, not_admitted
from services.team_formation.hooks.call import Call, Event, Outcome, Verified
from services.team_formation.hooks.identity import kind_of
from services.team_formation.hooks.json_values import number, read_object
from services.team_formation.hooks.proof import is_one_of, moment


@dataclass(frozen=True, slots=True)
class TelegramSecrets:
    """Secret tokens given to setWebhook, the current one first; of its 1 to 256 characters, ours have 16 or more."""

    secret_tokens: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        secret_forms.check("secret_tokens", self.secret_tokens, r"[A-Za-z0-9_-]{16,256}")


def verify(call: Call, secrets: TelegramSecrets) -> Outcome:
    """Check a call and say what is in it."""
    if refused := not_admitted(call, JSON_ONLY):
        return refused
    if not is_one_of(call.header("x-telegram-bot-api-secret-token"), secrets.secret_tokens):
        return NOT_PROVEN
    value = read_object(call.body)
    if value is None:
        return NOT_READABLE
    update = number(value, "update_id")
    if update is None or update < 0:
        return NOT_KNOWN
    kind = next((name for name in value if name != "update_id"), "")
    happened_at = moment(number(value, kind, "date"))
    return Verified((Event(str(update), kind_of(kind), call.body, happened_at, is_covered=False),))

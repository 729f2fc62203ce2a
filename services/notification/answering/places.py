"""Where an answer stands once it was given, so that another one can be put in its place.

Nothing is kept here: whoever asked for the answer is told, and keeps it sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.notification.answering import ChatAnswer
from services.notification.channels import Outcome, Sent

_IN_THE_COMPOSER = "composer"
_BY_ID = {
    "telegram": ("chat_id",),
    "slack_channel": ("channel",),
    "discord": ("application_id", "token"),
    "feishu_message": (),
}
"""Ways that give the id of their message, with what else they need to change it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The way that changes an answer, and the values for it."""

    way: str
    values: Mapping[str, str] = field(repr=False)


def place_of(way: str, answer: ChatAnswer, outcome: Outcome) -> Place | None:
    """Tell how an answer is changed; None where it was not given, or the service lets none be changed."""
    if not isinstance(outcome, Sent):
        return None
    values = answer.values
    if way == "slack_unfurl":
        return _preview(values)
    if way == "feishu_preview":
        return Place(way, {"preview_token": values["preview_token"]})
    if way == "feishu_card":
        # its token is good twice, within half an hour; the card itself is a message of the app
        message = values.get("message_id") if answer.cards else outcome.provider_id
        return Place("feishu_message", {"edits": message}) if message else None
    message = values.get("edits") or outcome.provider_id
    if way not in _BY_ID or not message:
        return None
    return Place(way, {**{name: values[name] for name in _BY_ID[way]}, "edits": message})


def _preview(values: Mapping[str, str]) -> Place | None:
    """Tell how a preview is changed: by channel and ts, for which Slack says that a second call changes the first.

    What is still being written is not followed: once it is posted, Slack asks again.
    """
    if values.get("source") == _IN_THE_COMPOSER:
        return None
    names = ("channel", "ts") if values.get("ts") else ("unfurl_id", "source")
    return Place("slack_unfurl", {name: values[name] for name in names if name in values})

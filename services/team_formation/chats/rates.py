"""How often services let a card in a chat be changed, and for how long it is followed.

Sources: https://docs.slack.dev/reference/methods/chat.unfurl and chat.update (tier 3: 50 a minute and more for a
workspace, https://docs.slack.dev/apis/web-api/rate-limits), https://core.telegram.org/bots/faq (20 messages a minute to
a group, 30 a second in all), https://docs.discord.com/developers/interactions/receiving-and-responding (a token holds
for 15 minutes), https://docs.discord.com/developers/topics/rate-limits (limits of a route come with its answers),
https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/group/im-v2/url_preview/batch_update (once in five seconds for a
token, five calls a second), https://open.feishu.cn/document/server-docs/im-v1/message-card/patch (14 days, five times a
second for a message; 1000 calls a minute).

Answers to what is shared or asked go to the same services, so that changes take less than all that there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.team_formation.hooks.reading.incoming import Way

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rate:
    """What a way allows."""

    apart: timedelta
    """Between changes of one card."""
    of_app: timedelta
    """Between changes by one app, over a while."""
    burst: int
    """So many at once after a rest."""
    lasts: timedelta = _WEEK
    """From what was answered on, a card is followed."""
    settles: timedelta = timedelta()
    """From a change of the team to the service's own question what to show: by then every replica knows."""
    in_chat: timedelta = timedelta()
    """Between changes of all cards in one chat; nothing where the service limits no chat."""

    def room(self, free_at: datetime, now: datetime) -> int:
        """Tell how many changes may be made now, where those before have had their time at `free_at`."""
        return max(int((now - self._begin(free_at, now)) / self.of_app), 0)

    def free_at(self, free_at: datetime, now: datetime, changes: int) -> datetime:
        """Tell when the changes before, and so many now, have had their time."""
        return self._begin(free_at, now) + changes * self.of_app

    def _begin(self, free_at: datetime, now: datetime) -> datetime:
        return max(free_at, now - self.burst * self.of_app)


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


RATES: Mapping[Way, Rate] = {
    Way.SLACK_UNFURL: Rate(_seconds(3), _seconds(1.5), 5),
    Way.SLACK_CHANNEL: Rate(_seconds(3), _seconds(1.5), 5),
    Way.TELEGRAM: Rate(_seconds(5), _seconds(0.1), 10, in_chat=_seconds(4)),
    Way.DISCORD: Rate(_seconds(3), _seconds(0.1), 10, lasts=timedelta(minutes=14)),
    Way.FEISHU_PREVIEW: Rate(_seconds(5), _seconds(0.25), 3, settles=_seconds(1)),
    Way.FEISHU_MESSAGE: Rate(_seconds(3), _seconds(0.2), 5),
}
"""Ways that are not here show what they showed."""

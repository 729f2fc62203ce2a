"""What can happen in a scene, one class for each step; `line` is where it is written."""

from dataclasses import dataclass
from typing import TypeAlias

from deploy.demo.scene.model.expect import Expect


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the audience something."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Open:
    """A member opens a team, and pays unless told otherwise."""

    member: str
    sku: str
    quantity: int
    pay: bool
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Share:
    """A member shares the team in chats: one invite each."""

    member: str
    chats: tuple[str, ...]
    note: str
    line: int


@dataclass(frozen=True, slots=True)
class Join:
    """A member joins and pays unless told otherwise: by the link shared in a chat, or where `by` is empty by search.

    `gets` is what must come of it: a seat, a place on the waitlist, or a seat in another_team.
    """

    member: str
    by: str
    sku: str
    quantity: int
    pay: bool
    at_most: int | None
    gets: str
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Pay:
    """A member makes the commitment that the payment mode asks; `amount` where another one shall be tried.

    `too_late` is whether the answer must be that the money goes back.
    """

    member: str
    amount: int | None
    too_late: bool
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Leave:
    """A member gives the seat back, or so many of its units; 0 means all."""

    member: str
    quantity: int
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Extend:
    """A member's hold is extended."""

    member: str
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class RunsOut:
    """Wait until a member's hold has run out, at most so long."""

    member: str
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Default:
    """The shop says that a member's money did not come."""

    member: str
    reason: str
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Settles:
    """The shop reports that what a member owes was paid."""

    member: str
    line: int


@dataclass(frozen=True, slots=True)
class Captures:
    """The shop reports that what a member's authorisation is charged was captured, or that this `fails`."""

    member: str
    fails: bool
    line: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """The shop reports what became of a member's delivery: `accepted` units were taken, None: all of them."""

    member: str
    accepted: int | None
    because: str
    """Why the others were not, in small letters; empty where all were taken."""
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Sponsor:
    """The shop fills places of the team itself."""

    places: int
    sku: str
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The shop gives the team up, or the whole campaign: formed teams too where that is said."""

    what: str
    reason: str
    formed_too: bool
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody of the shop's staff stops the campaign for a while."""

    actor: str
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Somebody of the shop's staff lets the campaign go on."""

    actor: str
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Direct:
    """A live host directs the campaign: start, show, release, longer or close_in, with what that needs."""

    actor: str
    action: str
    sku: str
    units: int
    seconds: float
    refused: str
    line: int


@dataclass(frozen=True, slots=True)
class Promote:
    """A promoter shares the team in chats: one invite each, with a commission in basis points."""

    promoter: str
    chats: tuple[str, ...]
    commission: int
    note: str
    line: int


@dataclass(frozen=True, slots=True)
class Looks:
    """The shop's page tells how often the link shared in a chat was opened."""

    times: int
    by: str
    line: int


@dataclass(frozen=True, slots=True)
class ShareText:
    """Show what is ready to be shared of an invite, as a channel takes it."""

    chat: str
    channel: str
    language: str
    line: int


@dataclass(frozen=True, slots=True)
class Report:
    """Show what a promoter's invites brought."""

    promoter: str
    line: int


@dataclass(frozen=True, slots=True)
class ReportBy:
    """Show what the campaign brought, by day, channel, promoter or item."""

    part: str
    line: int


@dataclass(frozen=True, slots=True)
class Revoke:
    """The link shared in a chat is taken back."""

    chat: str
    line: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass."""

    seconds: float
    line: int


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait until the team is in a state, at most so long."""

    state: str
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Receipts:
    """Show what each of these members pays, why, and what comes back; nobody named means everybody."""

    members: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Letter:
    """Show the last message that a member received, or the last one of a kind, which may come `within` seconds."""

    member: str
    about: str
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Request:
    """Show the last request that a member's messenger got, as it came."""

    member: str
    line: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """A member's messengers take nothing from the shop any more."""

    member: str
    line: int


@dataclass(frozen=True, slots=True)
class Breaks:
    """A messenger takes nothing from the shop's account any more."""

    channel: str
    line: int


@dataclass(frozen=True, slots=True)
class BindGroup:
    """A group chat is bound to the team; the link of its card is the one shared in `by`."""

    channel: str
    by: str
    line: int


@dataclass(frozen=True, slots=True)
class Card:
    """Show what stands in the group chat, which has so many `posts` `within` seconds."""

    channel: str
    posts: int
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Posts:
    """A member posts the link shared in `by` in a channel of Slack, which calls the engine; its preview is shown."""

    member: str
    by: str
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Says:
    """A member writes to the shop's app in Slack, in private; what it is answered is shown.

    `{code}` in the text is a code that the shop has had made for the member.
    """

    member: str
    text: str
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Replies:
    """The shop answers what a member has written last, where it was written."""

    member: str
    text: str
    within: float
    line: int


@dataclass(frozen=True, slots=True)
class Kill:
    """End a part of the stack by kill -9; it is started again."""

    part: str
    line: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many members join by one link, each by calls of its own; `kill` ends a part when so many seats were answered."""

    size: int
    within: float
    by: str
    reach: tuple[str, ...]
    kill: str
    at_seat: int
    line: int


Step: TypeAlias = (
    Say
    | Open
    | Share
    | Promote
    | ShareText
    | Looks
    | Join
    | Pay
    | Leave
    | Extend
    | RunsOut
    | Default
    | Settles
    | Captures
    | Delivered
    | Revoke
    | Sponsor
    | Cancel
    | Pause
    | Resume
    | Direct
    | Report
    | ReportBy
    | Wait
    | WaitFor
    | Receipts
    | Letter
    | Request
    | BindGroup
    | Card
    | Posts
    | Says
    | Replies
    | Blocks
    | Breaks
    | Kill
    | Crowd
    | Expect
)

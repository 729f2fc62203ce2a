"""The channel `webhook`: one HTTP POST of JSON per message.

Body: delivery_id, kind, member_id, team_id, language, subject, body, written_at (RFC 3339), and place_link, the link of
the member's own page, where the message has one. The header
`Idempotency-Key` is the delivery's id: a sender that dies between the answer and its record posts again with the same
key.
2xx is taken; 408, 425, 429 and 5xx are tried again (`Retry-After` honoured); every other answer refuses. No redirects.
"""

from collections.abc import Mapping
from datetime import UTC

from services.notification.channels import Account, Http, Letter, Outcome, Refused, Retry, Sent, Setup
from services.notification.channels.http import NotAllowed, NotReached, Reply


class WebhookChannel:
    """Posts to members' endpoints."""

    name = "webhook"
    setup = Setup()

    def __init__(self, http: Http) -> None:
        self._http = http

    def check(self, address: str) -> str | None:
        """Accept an http or https URL with a host and without credentials."""
        return self._http.url_problem(address)

    def check_account(self, _settings: Mapping[str, str]) -> Mapping[str, str]:
        """Need nothing."""
        return {}

    async def send(self, letter: Letter, _account: Account) -> Outcome:
        """Post the message."""
        try:
            reply = await self._http.post(
                letter.address, json=_body(letter), headers={"Idempotency-Key": str(letter.delivery_id)}
            )
        except NotAllowed as problem:
            return Refused(str(problem))
        except NotReached as problem:
            return Retry(str(problem))
        return _outcome(reply)

    async def close(self) -> None:
        """Keep nothing of its own."""


def _body(letter: Letter) -> dict[str, str]:
    said = {
        "delivery_id": str(letter.delivery_id),
        "kind": letter.kind,
        "member_id": letter.member_id,
        "team_id": letter.team_id,
        "language": letter.language,
        "subject": letter.subject,
        "body": letter.body,
        "written_at": letter.written_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    return said | ({"place_link": letter.place} if letter.place else {})


def _outcome(reply: Reply) -> Outcome:
    said = f"HTTP {reply.status}"
    if reply.is_good:
        return Sent()
    if reply.is_busy:
        return Retry(said, reply.retry_after())
    if 300 <= reply.status < 400:  # noqa: PLR2004 - RFC 9110 section 15
        return Refused(f"{said}: redirects are not followed; register the final address")
    return Refused(said)

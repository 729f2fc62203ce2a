"""PutTemplate and DeleteTemplate: a platform's own words, once per request id."""

from dataclasses import dataclass

from groupbuy.notification.v1 import templates_pb2

from services.chassis import audit, ids, requests
from services.chassis.audit import Change, State
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.errors import Rejected, invalid
from services.chassis.requests import Decided, RequestKey
from services.notification import store
from services.notification.domain import Template
from services.notification.own_templates import MOST_TEMPLATES


@dataclass(frozen=True, slots=True)
class PutTemplate:
    """A checked command; `delete` takes out of force what has the template's kind, channel and language."""

    key: RequestKey
    template: Template
    delete: bool = False


class TemplateWriter:
    """Decides commands about templates, each in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def decide(self, command: PutTemplate) -> bytes | Rejected:
        """Store the template and the answer."""
        async with self._database.work() as work:
            known = await requests.find(work.connection, command.key)
            if known is not None:
                return known
            answer = await self._decide(work.connection, command)
            await requests.store(work.connection, [[Decided(command.key, answer)]])
        return answer

    async def _decide(self, connection: store.Connection, command: PutTemplate) -> bytes:
        platform_id, template = command.key.platform_id, command.template
        await store.change_templates(connection, platform_id, ids.new_id())
        ended = await store.end_template(connection, platform_id, template.kind, template.channel, template.language)
        if command.delete:
            if ended:
                await self._note(connection, command, {"version": ended}, None)
            return templates_pb2.DeleteTemplateResponse().SerializeToString()
        if await store.count_templates(connection, platform_id) >= MOST_TEMPLATES:
            raise invalid("kind", f"a platform has at most {MOST_TEMPLATES} templates in force; delete one first")
        version = await store.insert_template(connection, platform_id, template, self._clock.now(platform_id))
        words = {"version": version, "subject": template.subject, "body": template.body}
        await self._note(connection, command, {"version": ended} if ended else None, words)
        return templates_pb2.PutTemplateResponse(version=version).SerializeToString()

    async def _note(
        self, connection: store.Connection, command: PutTemplate, before: State | None, after: State | None
    ) -> None:
        key, template = command.key, command.template
        subject = " ".join(filter(None, ("template", template.kind, template.channel, template.language)))
        change = Change(key.platform_id, key.rpc, subject, before, after, key.request_id)
        await audit.note(connection, self._clock.now(), change)

"""What every RPC has to answer to each kind of key, by its descriptor, telling nothing of another platform."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from services.chassis import ids, scopes
from services.chassis.platforms import Key, Platform, SuspendedMerchant, hash_secret, save_platforms
from tests.support.doors import Door, Said
from tests.support.engine import SERVICE_KEY, Engine
from tests.support.formation import OTHER_PLATFORM, PLATFORM, START
from tests.support.rpcs import is_internal, requests_by_name
from tests.support.shops import Shop, Standing

THIRD_PLATFORM = UUID(int=0x3D)
SUSPENDED_PLATFORM = UUID(int=0xDEAD)
REASON = "The bill was not paid."
A_DAY = timedelta(days=1)

LACKING = {
    "admin": frozenset({"campaigns", "members", "read"}),
    "campaigns": frozenset({"members", "read"}),
    "members": frozenset({"campaigns", "read"}),
    "read": frozenset({"later"}),
}
"""For each scope the most that a key can have without it; a scope of a later release is enough for nothing today."""

_SECRET = "secret"


def bearer(key_id: str) -> str:
    """Write the key that `know_the_keys` has made known."""
    return f"gbk_{key_id}_{_SECRET}"


async def know_the_keys(engine: Engine) -> None:
    """Make the keys of all cases known to the three services, as the event of their platforms would."""
    made = [
        Platform(PLATFORM, "shop", suspended=False, sequence=2, keys=(_key("shop"), *_keys())),
        Platform(OTHER_PLATFORM, "other", suspended=False, sequence=2, keys=(_key("other"),)),
        Platform(THIRD_PLATFORM, "third", suspended=False, sequence=1, keys=(_key("third"),)),
        Platform(
            SUSPENDED_PLATFORM,
            "suspended",
            suspended=True,
            sequence=1,
            keys=(_key("suspended"),),
            suspension_reason=REASON,
            suspended_merchants=(SuspendedMerchant("merchant-7", REASON, START),),
        ),
    ]
    for database in (engine.formation.database, engine.pricing.database, engine.notification.database):
        async with database.work() as work:
            await save_platforms(work.connection, made, START)


def _keys() -> Iterator[Key]:
    yield replace(_key("shop-expired"), expires_at=START - A_DAY)
    for scope in scopes.NAMES:
        yield replace(_key(f"shop-{scope}"), scopes=frozenset({scope}))
        yield replace(_key(f"shop-no-{scope}"), scopes=LACKING[scope])


def _key(key_id: str) -> Key:
    return Key(key_id, hash_secret(_SECRET), None)


@dataclass(frozen=True)
class Case:
    """A key, and how a call with it ends, whatever the RPC; `bearer` and `expected` depend on the scope it needs."""

    name: str
    bearer: Callable[[str], str | None]
    code: str
    reason: str
    metadata: Callable[[str], Mapping[str, str]] = lambda _scope: {}
    """Values that the refusal's metadata must have."""


NO_KEYS = (
    Case("no key", lambda _scope: None, "UNAUTHENTICATED", "KEY_MISSING"),
    Case("unknown key", lambda _scope: bearer("nobody"), "UNAUTHENTICATED", "KEY_UNKNOWN"),
    Case("wrong secret", lambda _scope: "gbk_shop_wrong", "UNAUTHENTICATED", "KEY_UNKNOWN"),
)
PUBLIC = (
    *NO_KEYS,
    Case("services' key", lambda _scope: SERVICE_KEY, "UNAUTHENTICATED", "KEY_UNKNOWN"),
    Case("expired", lambda _scope: bearer("shop-expired"), "UNAUTHENTICATED", "KEY_EXPIRED"),
    Case(
        "missing scope",
        lambda scope: bearer(f"shop-no-{scope}"),
        "PERMISSION_DENIED",
        "SCOPE_MISSING",
        lambda scope: {"scope": scope, "key_id": f"shop-no-{scope}"},
    ),
    Case(
        "suspended",
        lambda _scope: bearer("suspended"),
        "PERMISSION_DENIED",
        "PLATFORM_SUSPENDED",
        lambda _scope: {"suspension_reason": REASON},
    ),
)
INTERNAL = (*NO_KEYS, Case("a platform's key", lambda _scope: bearer("shop"), "UNAUTHENTICATED", "KEY_UNKNOWN"))


def cases_of(method: MethodDescriptor) -> Sequence[Case]:
    """List the keys that an RPC has to refuse."""
    return INTERNAL if is_internal(method) else PUBLIC


async def refusal_problem(door: Door, method: MethodDescriptor, request: Message, case: Case) -> str | None:
    """Call with a key that is to be refused; say what is wrong with the answer, if anything is."""
    scope = scopes.of_method(method) or ""
    said = await door.call(method, request, case.bearer(scope))
    wanted = case.metadata(scope)
    if (said.code, said.reason) != (case.code, case.reason) or not wanted.items() <= said.metadata.items():
        return f"{door.name} {method.full_name}, {case.name}: {said.code} {said.reason} {said.text!r:.200}"
    return None


async def admission_problem(door: Door, method: MethodDescriptor, request: Message) -> str | None:
    """Call with a key that has the one scope that is needed; say where it is refused for its key."""
    scope = scopes.of_method(method) or ""
    said = await door.call(method, request, SERVICE_KEY if is_internal(method) else bearer(f"shop-{scope}"))
    if said.code in {"UNAUTHENTICATED", "PERMISSION_DENIED", "INTERNAL", "UNKNOWN", "UNIMPLEMENTED"}:
        return f"{door.name} {method.full_name}, its scope: {said.code} {said.reason} {said.text!r:.200}"
    return None


def nobodys(there: Standing) -> Standing:
    """Make up what stands nowhere: ids and words of the same shape as those of a shop."""
    head, _, signature = there.handed.rpartition(".")
    forged = ("A" if signature[0] != "A" else "B") + signature[1:]
    return replace(
        there,
        shop=Shop(UUID(int=0xB0D1), "", there.shop.mark[::-1]),
        code=there.code[::-1],
        handed=f"{head}.{forged}",
        campaign=_made_up(there.campaign),
        team=_made_up(there.team),
        seat=_made_up(there.seat),
        invite=_made_up(there.invite),
    )


def _made_up(opaque: str) -> str:
    """Make an id of as many parts, of which each is nobody's."""
    prefix, _, body = opaque.partition("_")
    made = ids.opaque(prefix, *(UUID(int=0xB0D2 + at) for at in range(len(body) * 3 // 4 // 16)))
    assert len(made) == len(opaque)
    return made


Asking = Callable[[MethodDescriptor, Message], Awaitable[Said]]


async def isolation_problem(door: Door, method: MethodDescriptor, one: Standing, none: Standing) -> str | None:
    """Have two platforms name what is one platform's, and what is nobody's; say where their answers differ.

    Both have asked the same so far, so that nothing of their own differs. Whoever may ask for any platform (the
    services) asks for those two, with the ids of the one and of nobody.
    """
    name = method.input_type.full_name
    asking = ((one, "other", OTHER_PLATFORM), (none, "third", THIRD_PLATFORM))
    said = []
    for what, key_id, platform in asking:
        request = requests_by_name(what)[name]
        _address(request, platform)
        answer = await door.call(method, request, SERVICE_KEY if is_internal(method) else bearer(key_id))
        said.append(_without(what, answer))
    if said[0] != said[1]:
        return f"{door.name} {method.full_name}: {said[0]} of another platform, {said[1]} of nobody"
    return None


def names_anything(method: MethodDescriptor, one: Standing, none: Standing) -> bool:
    """Tell whether an RPC's request has an id or a word of a platform at all."""
    name = method.input_type.full_name
    return requests_by_name(one)[name] != requests_by_name(none)[name]


def _address(request: Any, platform: UUID) -> None:
    """Give a request an id, and the platform that it is for, where it has fields for them."""
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = "matrix"
    for named in (request, *getattr(request, "seats", ())):
        if "platform_id" in named.DESCRIPTOR.fields_by_name:
            named.platform_id = ids.opaque("plat", platform)


def _without(what: Standing, said: Said) -> tuple[object, ...]:
    """Give an answer without the ids and words that were asked with: what remains must not tell two platforms apart."""
    words = [*what.ids, what.shop.mark]

    def blank(text: str) -> str:
        return re.sub("|".join(map(re.escape, words)), "*", text)

    metadata = {name: blank(value) for name, value in said.metadata.items()}
    return said.code, said.reason, metadata, blank(said.text), _shape(said.answer)


def _shape(message: Message | None) -> object:
    """Give the names of fields that are set, lengths of lists, and values that are no texts, bytes or times.

    Ids, secrets and times of what was just made differ from call to call.
    """
    if message is None:
        return None
    return [(field.name, _value(field, value)) for field, value in message.ListFields()]


def _value(field: FieldDescriptor, value: Any) -> object:
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        return "a time"
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return sorted(value)
    many = value if field.is_repeated else [value]
    if field.message_type is not None:
        return [_shape(item) for item in many]
    plain = field.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
    return len(many) if plain else list(many)

"""Forges calls of chat apps: each kind is one way in which somebody without the secrets, or a broken client, tries.

A forger gives a changed call, or None where its way does not apply. What comes out equal to what went in is no forgery
and is not counted. Some ways sign what they break with the true secrets, so that they reach the parsers behind.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from services.team_formation.hooks.call import Event, Handshake, Outcome, Refused, Verified
from services.team_formation.hooks.dingtalk import DingTalkSecrets
from tests.support.hook_calls import (
    FORM_TYPE,
    STYLES,
    Pad,
    Place,
    Raw,
    Style,
    frame_of,
    framed_json,
    framed_xml,
    later,
    sealed,
)

Forger = Callable[[random.Random, Style, Raw], "Raw | None"]
FORGERS: dict[str, Forger] = {}
SELDOM = {"size", "signed: deep", "signed: bomb"}
"""Ways that take long, tried once in a while."""


def _forger(name: str) -> Callable[[Forger], Forger]:
    def keep(forger: Forger) -> Forger:
        FORGERS[name] = forger
        return forger

    return keep


# The proof


def _with(raw: Raw, place: Place | None, *values: str) -> Raw | None:
    if place is None or place[0] == "body":
        return None
    return raw.put(*place, *values)


def _flipped(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ (1 << chance.randrange(7))) + text[at + 1 :]


def _value(raw: Raw, place: Place | None) -> str:
    return raw.value(*place) if place else ""


@_forger("signature: one bit")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.proof)
    return _with(raw, style.proof, _flipped(chance, value)) if value else None


@_forger("signature: cut or longer")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.proof)
    return _with(
        raw, style.proof, chance.choice([value[: chance.randrange(len(value) or 1)], value + "0", "0" + value])
    )


@_forger("signature: absent")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    return _with(raw, style.proof, *chance.choice([(), ("",), (" ",)]))


@_forger("signature: several")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.proof)
    wrong = _flipped(chance, value) if value else ""
    several = [(value, value), (value, wrong), (wrong, value), (f"{value},{wrong}",), (f"{value}, {value}",)]
    return _with(raw, style.proof, *chance.choice(several))


@_forger("signature: another form")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.proof)
    bare = value.rpartition("=")[2] if re.fullmatch(r"\w+=[0-9a-f]+", value) else value
    forms = [
        value.upper(),
        value.swapcase(),
        bare,
        f"v1={bare}",
        f"sha1={bare}",
        f" {value}",
        f"{value} ",
        f"{value}\0",
    ]
    if re.fullmatch(r"(?:[0-9a-f]{2})+", bare):
        forms += [base64.b64encode(bytes.fromhex(bare)).decode(), " ".join(re.findall("..", bare)), f"0x{bare}"]
    form = chance.choice(forms)
    return _with(raw, style.proof, form) if form != value else None


@_forger("signature: of another content")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    if style.proof[0] == "body" or not style.covers:
        return None
    other = style.raw(style.content + b" " * chance.randrange(1, 9))
    return _with(raw, style.proof, _value(other, style.proof))


@_forger("signature: without a secret")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    digest = chance.choice([hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.sha512])(raw.body)
    value = _value(raw, style.proof)
    forms = [
        digest.hexdigest(),
        base64.b64encode(digest.digest()).decode(),
        "null",
        "undefined",
        "true",
        "0",
        "[]",
        "*",
    ]
    prefix = value[: value.find("=") + 1] if re.match(r"\w+=[0-9a-f]", value) else ""
    return _with(raw, style.proof, prefix + chance.choice(forms))


@_forger("signature: another app's")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    return style.raw(secrets=style.strangers, at=later(chance.randrange(-200, 200)))


@_forger("signature: another service's call")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    other = chance.choice(STYLES)
    return other.raw() if other.service != style.service else None


@_forger("signature: in another place")
def _(_chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    place, name = style.proof
    if place == "body":
        return None
    away = raw.put(place, name)
    return away.put("query" if place == "header" else "header", name, raw.value(place, name))


# Time and nonce


@_forger("time: another")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.time)
    return (
        _with(raw, style.time, str(int(value) + chance.choice([-1, 1]) * chance.randrange(1, 10**6))) if value else None
    )


@_forger("time: no number")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.time)
    wide = "".join(chr(ord(one) - 48 + 0xFF10) if one.isdigit() else one for one in value)
    odd = ["notint", "", "NaN", "inf", "-1", "1e9", "0x6b", "9" * 400, value + ".0", "0" + value, " " + value, wide]
    odd += [f"+{value}", value[:4] + "_" + value[4:], value + "\n", "²" * 10, "1" * 10 + "\0"]
    return _with(raw, style.time, chance.choice(odd)) if style.time else None


@_forger("time: absent or several")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.time)
    return _with(raw, style.time, *chance.choice([(), (value, value), (value, "1")]))


@_forger("nonce: another")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.nonce)
    odd = [_flipped(chance, value or "0"), "", value + "0", value[1:], value * 40, value + "é", "\0"]
    return _with(raw, style.nonce, chance.choice(odd))


@_forger("nonce: absent or several")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    value = _value(raw, style.nonce)
    return _with(raw, style.nonce, *chance.choice([(), (value, value), (value, "1")]))


@_forger("nonce: changed with the time")
def _(_chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    """The parts are sorted before they are signed, so that changing places keeps the signature."""
    if style.nonce is None or style.time is None:
        return None
    return raw.put(*style.time, _value(raw, style.nonce)).put(*style.nonce, _value(raw, style.time))


@_forger("replay: late")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    by = style.behind + 1 + int(10 ** chance.uniform(0, 8))
    return replace(raw, at=later(by)) if style.time else None


@_forger("replay: early")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    return replace(raw, at=later(-301 - int(10 ** chance.uniform(0, 8)))) if style.time else None


# The body, with the proof as it was


@_forger("body: one bit")
def _(chance: random.Random, _style: Style, raw: Raw) -> Raw | None:
    if not raw.body:
        return None
    body = bytearray(raw.body)
    body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return replace(raw, body=bytes(body))


@_forger("body: cut")
def _(chance: random.Random, _style: Style, raw: Raw) -> Raw | None:
    cut = chance.randrange(len(raw.body)) if raw.body else 0
    return replace(raw, body=chance.choice([raw.body[:cut], raw.body[cut:], b""])) if raw.body else None


@_forger("body: longer")
def _(chance: random.Random, _style: Style, raw: Raw) -> Raw | None:
    more = chance.choice([b" ", b"\n", b"\0", b"{}", b"x", b"&a=b", b"<xml></xml>", b"\xef\xbb\xbf"])
    return replace(raw, body=chance.choice([raw.body + more, more + raw.body])) if raw.body else None


@_forger("body: spliced")
def _(chance: random.Random, _style: Style, raw: Raw) -> Raw | None:
    if len(raw.body) < 4:
        return None
    one, two = sorted(chance.sample(range(1, len(raw.body)), 2))
    body = raw.body[:one] + raw.body[two:] + raw.body[one:two]
    return replace(raw, body=body)


@_forger("body: written again")
def _(chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    """Parsed and serialised, as frameworks do that keep no raw body."""
    if raw.body.startswith(b"{"):
        value: Any = json.loads(raw.body)
        options: list[dict[str, Any]] = [
            {"separators": (",", ":"), "ensure_ascii": False},
            {"ensure_ascii": True, "indent": 1},
            {"sort_keys": True},
            {"separators": (",", ":")},
        ]
        return replace(raw, body=json.dumps(value, **chance.choice(options)).encode())
    if style.form == "form":
        return replace(raw, body=urlencode(chance.sample(pairs := parse_qsl(raw.body.decode()), len(pairs))).encode())
    return replace(raw, body=re.sub(rb"<!\[CDATA\[(.*?)\]\]>", rb"\1", raw.body)) if raw.body else None


@_forger("body: another charset")
def _(chance: random.Random, _style: Style, raw: Raw) -> Raw | None:
    charset = chance.choice(["gb18030", "utf-16", "utf-16-be", "utf-8-sig", "utf-7", "cp037", "shift_jis"])
    body = raw.body.decode().encode(charset, "replace")
    return replace(raw, body=body) if raw.body else None


# Around it


@_forger("content type")
def _(chance: random.Random, _style: Style, raw: Raw) -> Raw | None:
    if raw.method == "GET":
        return None
    wrong = [
        "",
        "text/plain",
        "text/html",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "application",
    ]
    given = raw.value("header", "Content-Type").partition(";")[0]
    wrong += [f"{given}; charset={name}" for name in ("gbk", "latin-1", "utf-16", "us-ascii", "utf-7", '"', "")]
    wrong += [f"{given}, {given}", f"{given}; charset=utf-8; charset=gbk", f"{given}\0", f"x{given}"]
    values = chance.choice([(one,) for one in wrong] + [(), (given, given), (given, "text/plain")])
    return raw.put("header", "Content-Type", *values)


@_forger("content type: of another form")
def _(_chance: random.Random, style: Style, raw: Raw) -> Raw | None:
    """A type that the service does send, but for a body of another form."""
    if style.service != "slack":
        return None
    return raw.put("header", "Content-Type", "application/json" if style.form == "form" else FORM_TYPE)


@_forger("method")
def _(chance: random.Random, _style: Style, raw: Raw) -> Raw | None:
    return replace(raw, method=chance.choice(["GET", "PUT", "HEAD", "post", "DELETE", "POST", "", "PATCH"]))


@_forger("size")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if style.is_handshake:
        return None
    filler = b" " * (256 * 1024 + chance.randrange(1, 1000))
    return style.raw(style.content + filler)


# Signed with the true secrets, and still not to be taken


@_forger("signed: deep")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    depth = chance.choice([33, 40, 900, 1000, 1100, 20_000, 50_000])
    if style.form == "json":
        opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
        deep = opening * depth + (b"1" + closing * depth if chance.random() < 0.8 else b"")
        return style.raw(style.content[:-1] + b', "deep": ' + deep + b"}")
    if style.form == "xml":
        return style.raw(style.content.replace(b"</xml>", b"<a>" * depth + b"</a>" * depth + b"</xml>"))
    return None


@_forger("signed: bomb")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if style.form != "xml":
        return None
    bombs = [
        b'<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa">' + b"".join(_entity(n) for n in range(1, 9)) + b"]>",
        b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE xml SYSTEM "http://localhost/evil.dtd">',
        b'<!DOCTYPE xml [<!ENTITY % p SYSTEM "http://localhost/x"> %p;]>',
        b"<!DOCTYPE xml>",
    ]
    used = style.content.replace(b"<![CDATA[text]]>", chance.choice([b"&a;", b"&a8;", b"<![CDATA[text]]>"]))
    many = style.content.replace(b"</xml>", b"<a/>" * 600 + b"</xml>")
    return style.raw(chance.choice([chance.choice(bombs) + used, many]))


def _entity(number: int) -> bytes:
    below = b"a" if number == 1 else b"a%d" % (number - 1)
    return b'<!ENTITY a%d "%s">' % (number, (b"&%s;" % below) * 10)


@_forger("signed: not UTF-8")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if style.form not in {"json", "xml"} or style.is_handshake:
        return None
    bad = chance.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x28\xa1", b"\x80"])
    spot = style.content.rindex(b'"' if style.form == "json" else b"]]>")
    return style.raw(style.content[:spot] + bad + style.content[spot:])


@_forger("signed: a name twice")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if style.form == "json":
        name = chance.choice(list(json.loads(style.content)))
        return style.raw(style.content[:-1] + f', "{name}": 1}}'.encode())
    if style.form == "xml":
        return style.raw(style.content.replace(b"</xml>", b"<MsgType>link</MsgType></xml>"))
    return style.raw(style.content + b"&payload=%7B%7D&payload=1") if style.form == "form" else None


@_forger("signed: another form")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if style.is_handshake:
        return None
    others = [b"", b"[]", b"null", b"1", b'"text"', b"NaN", b'{"a":NaN}', b'{"a":1e999}', b"{'a':1}", b"{", b"<xml/>"]
    others += [b"<xml>", b"<html></html>", b"{} {}", b"\0", b"=", b"a", b"%", b'{"a":"\n"}', b"9" * 5000, b"{}"]
    return style.raw(chance.choice(others))


@_forger("frame: another receiver")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if not style.frame:
        return None
    key, receiver = frame_of(style.secrets)
    other = chance.choice([receiver[:-1], receiver + b"x", b"wx0000000000000000", receiver.upper(), receiver + b"\0"])
    return _framed(style, sealed(style.content, key, other))


@_forger("frame: another padding or length")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if not style.frame:
        return None
    key, receiver = frame_of(style.secrets)
    size = len(style.content)
    if chance.random() < 0.5:
        return _framed(style, sealed(style.content, key, receiver, pad=chance.choice(_PADS)))
    lengths = [0, 1, size - 1, size + 1, size + len(receiver), size + 1000, 2**31, 2**32 - 1]
    return _framed(style, sealed(style.content, key, receiver, length=chance.choice(lengths)))


_PADS: list[Pad] = [
    lambda missing: b"\0" * missing,
    lambda missing: b"\0" * (missing - 1) + bytes([missing]) if missing > 1 else b"\0",
    lambda missing: bytes([missing + 32]) * (missing + 32),
    lambda missing: bytes([missing ^ 1]) * missing,
    lambda missing: b"\xff" * missing,
    lambda missing: b"\x20" * 31 + b"\x20" * (missing + 1),
]
"""Zeros, mixed, more than a block, another number, more than there is, a block more than said."""


@_forger("frame: another key or bytes")
def _(chance: random.Random, style: Style, _raw: Raw) -> Raw | None:
    if not style.frame:
        return None
    key, receiver = frame_of(style.secrets)
    good = sealed(style.content, key, receiver)
    other = sealed(style.content, frame_of(style.strangers)[0], receiver)
    raw = base64.b64decode(good)
    parts = [raw[:-16], raw[:-32], raw[32:], raw[:32], raw[16:], chance.randbytes(64), raw[-32:] + raw[:-32]]
    frames = [other, good[:-4], good + "====", good.replace("A", "!", 1), "A" * 24, "", "===="]
    return _framed(style, chance.choice([*frames, *(base64.b64encode(part).decode() for part in parts)]))


def _framed(style: Style, encrypted: str) -> Raw:
    """The call around a frame, signed with the true token."""
    if isinstance(style.secrets, DingTalkSecrets):
        if style.name.startswith("dingtalk robot"):
            return replace(style.raw(), body=json.dumps({"encrypt": encrypted}).encode())
        return framed_json(encrypted, style.secrets, later(0))
    raw = framed_xml(encrypted, style.secrets, later(0))
    if not style.is_handshake:
        return raw
    return replace(raw.put("query", "echostr", encrypted), method="GET", headers=(), body=b"")


# Counting

BODY_ONLY = ("body:", "signed:", "frame:")
"""Ways that leave the proof alone: where it covers no body, they may be taken, but only as not covered."""


@dataclass
class Tally:
    """What came of forgeries, by kind."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    same: Counter[str] = field(default_factory=Counter)
    """Taken, with exactly the events of the call that was not forged: what was changed is neither signed nor read."""
    uncovered: Counter[str] = field(default_factory=Counter)
    """Taken where a service's proof covers no body, and marked so."""
    accepted: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)

    def line(self, service: str) -> str:
        """Write one line for the end of a run."""
        total = sum(self.tried.values())
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.tried.items()))
        return (
            f"{service}: {total} forgeries, {len(self.accepted)} accepted, {len(self.raised)} exceptions; refused"
            f" {sum(self.refused.values())}, as not covered {sum(self.uncovered.values())}, read as the true call"
            f" {sum(self.same.values())} ({kinds})"
        )


Check = Callable[[Style, Raw], Outcome]


def honest(style: Style, raw: Raw) -> Outcome:
    """Ask the service's own check."""
    return style.verify(raw)


def forge(styles: Sequence[Style], times: int, seed: str, check: Check = honest, only: str = "") -> Tally:
    """Try so many forgeries on services' calls; `only` names the kinds that begin with it."""
    chance, tally = random.Random(seed), Tally()  # noqa: S311 - no secret
    names = [name for name in FORGERS if name.startswith(only)]
    weights = [0.1 if name in SELDOM else 1.0 for name in names]
    good = {style.name: (style.raw(), honest(style, style.raw())) for style in styles}
    while sum(tally.tried.values()) < times:
        style, kind = chance.choice(styles), chance.choices(names, weights)[0]
        raw, truth = good[style.name]
        forged = FORGERS[kind](chance, style, raw)
        if forged is not None and (forged.call != raw.call):
            _try(tally, style, kind, forged, truth, check)
    return tally


def _try(tally: Tally, style: Style, kind: str, forged: Raw, truth: Outcome, check: Check) -> None:
    tally.tried[kind] += 1
    try:
        outcome = check(style, forged)
    except Exception as problem:  # noqa: BLE001 - none may leave a check, whichever
        tally.raised.append(f"{style.name}, {kind}: {type(problem).__name__}")
        return
    if isinstance(outcome, Refused):
        tally.refused[kind] += 1
    elif _is_around(style, kind) and (outcome == truth or _events(outcome) == _events(truth) != ()):
        tally.same[kind] += 1
    elif not style.covers and kind.startswith(BODY_ONLY) and _is_marked(outcome):
        tally.uncovered[kind] += 1
    else:
        tally.accepted.append(f"{style.name}, {kind}: {forged.headers} {forged.query} {forged.body[:200]!r}")


def _events(outcome: Outcome) -> tuple[Event, ...]:
    return outcome.events if isinstance(outcome, Verified) else ()


def _is_marked(outcome: Outcome) -> bool:
    return isinstance(outcome, Handshake) or not any(event.is_covered for event in _events(outcome))


def _is_around(style: Style, kind: str) -> bool:
    """Whether a change may lie around the encrypted part, where nothing is signed and nothing read."""
    return kind.startswith("body:") and (style.frame or style.is_handshake)

"""What the services behind channels answer, as they document it: when a message is taken, and when it is not.

The sources are those that the channels' own files name. A service that has no word for what is played says what is
nearest: one that never tells that somebody is gone refuses.
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from services.chassis.http import Reply
from services.notification.domain import Play
from services.notification.sandbox.outlet import Answered, Answers, Exchange

WAIT_SECONDS = 60
"""How long a service that is throttled asks to wait, where it says so."""
_HOURS = 7200
_TOKEN = "captured"  # noqa: S105 - no secret: there is no service to be let in at
_WAIT = {"retry-after": str(WAIT_SECONDS)}

Says: TypeAlias = Mapping[Play, Reply]
Service: TypeAlias = Callable[[Exchange, int], Says]
"""What a service answers to a request, in each case; the number is what it knows the message by."""


def _say(status: int, said: object, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, dict(headers or {}), json.dumps(said).encode())


def _says(taken: Reply, gone: Reply, throttled: Reply, refused: Reply, unavailable: Reply) -> Says:
    return {
        Play.TAKEN: taken,
        Play.GONE: gone,
        Play.THROTTLED: throttled,
        Play.REFUSED: refused,
        Play.UNAVAILABLE: unavailable,
    }


def endpoint(_asked: Exchange, _number: int) -> Says:
    """Answer as an endpoint of a platform or a member."""
    return _says(
        Reply(200, {}, b""), Reply(410, {}, b""), Reply(429, _WAIT, b""), Reply(400, {}, b""), Reply(503, {}, b"")
    )


def _telegram(_asked: Exchange, number: int) -> Says:
    def no(code: int, description: str, **more: object) -> Reply:
        return _say(code, {"ok": False, "error_code": code, "description": description, **more})

    waits = {"retry_after": WAIT_SECONDS}
    return _says(
        _say(200, {"ok": True, "result": {"message_id": number}}),
        no(403, "Forbidden: bot was blocked by the user"),
        no(429, f"Too Many Requests: retry after {WAIT_SECONDS}", parameters=waits),
        no(400, "Bad Request: chat not found"),
        no(502, "Bad Gateway"),
    )


def _slack(_asked: Exchange, number: int) -> Says:
    def no(error: str, status: int = 200) -> Reply:
        return _say(status, {"ok": False, "error": error})

    return _says(
        _say(200, {"ok": True, "ts": f"{number // 10**6}.{number % 10**6:06}"}),
        no("is_archived"),
        Reply(429, _WAIT, b""),
        no("channel_not_found"),
        no("service_unavailable", 503),
    )


def _discord(_asked: Exchange, number: int) -> Says:
    def no(status: int, code: int, message: str) -> Reply:
        return _say(status, {"code": code, "message": message})

    limited = {"message": "You are being rate limited.", "retry_after": WAIT_SECONDS, "global": True}
    return _says(
        _say(200, {"id": str(number), "channel_id": str(number)}),
        no(403, 50007, "Cannot send messages to this user"),
        _say(429, limited, _WAIT),
        no(400, 50035, "Invalid Form Body"),
        no(503, 130000, "API resource is currently overloaded. Try again a little later"),
    )


def _line(_asked: Exchange, number: int) -> Says:
    refused = _say(400, {"message": "The property, 'to', in the request body is invalid (line: -, column: -)"})
    return _says(
        _say(200, {"sentMessages": [{"id": str(number)}]}),
        refused,  # LINE never says that somebody is gone
        _say(429, {"message": "The API rate limit has been exceeded. Try again later."}, _WAIT),
        refused,
        _say(500, {"message": "Internal server error"}),
    )


def _whatsapp(_asked: Exchange, number: int) -> Says:
    def no(status: int, code: int, message: str) -> Reply:
        return _say(status, {"error": {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}})

    undeliverable = no(400, 131026, "Message undeliverable")  # nor does WhatsApp
    return _says(
        _say(200, {"messaging_product": "whatsapp", "messages": [{"id": f"wamid.{number}"}]}),
        undeliverable,
        no(429, 130429, "Rate limit hit"),
        undeliverable,
        no(503, 131016, "Service unavailable"),
    )


def _tencent(number: int, gone: int, refused: Reply, slow: int) -> Says:
    return _says(
        _say(200, {"errcode": 0, "errmsg": "ok", "msgid": number}),
        _errcode(gone),
        _errcode(slow),
        refused,
        _errcode(-1, "system error"),
    )


def _errcode(code: int, said: str = "no") -> Reply:
    return _say(200, {"errcode": code, "errmsg": said})


def _wechat(_asked: Exchange, number: int) -> Says:
    return _tencent(number, gone=43004, refused=_errcode(43101, "user refuse to accept the msg"), slow=45011)


def _wecom(asked: Exchange, number: int) -> Says:
    missed = {"errcode": 0, "errmsg": "ok", "invaliduser": str(_sent(asked).get("touser", "")), "msgid": str(number)}
    return _tencent(number, gone=60111, refused=_say(200, missed), slow=45009)


def _dingtalk(asked: Exchange, number: int) -> Says:
    def taken(**not_reached: object) -> Reply:
        return _say(200, {"processQueryKey": str(number), "errcode": 0, "errmsg": "ok", **not_reached})

    def no(status: int, code: str) -> Reply:
        return _say(status, {"code": code, "message": "no", "requestid": str(number)})

    members = _sent(asked).get("userIds", [])
    if not members:  # an answer at the session's own URL
        slow, refused = _errcode(130101, "send too fast"), _errcode(310000, "keywords not in content")
        return _says(taken(), refused, slow, refused, _errcode(-1, "system busy"))
    return _says(
        taken(),
        taken(invalidStaffIdList=members),
        no(403, "Forbidden.AccessDenied.QpsLimitForApi"),
        taken(filteredStaffIdList=members),
        no(503, "ServiceUnavailable"),
    )


def _feishu(_asked: Exchange, number: int) -> Says:
    def no(status: int, code: int, said: str, headers: Mapping[str, str] | None = None) -> Reply:
        return _say(status, {"code": code, "msg": said}, headers)

    return _says(
        _say(200, {"code": 0, "msg": "success", "data": {"message_id": f"om_{number}"}}),
        no(400, 230029, "User has resigned"),
        no(429, 99991400, "request trigger frequency limit", {"x-ogw-ratelimit-reset": str(WAIT_SECONDS)}),
        no(400, 230013, "Bot has NO availability to this user"),
        no(503, 1500, "internal error"),
    )


SERVICES: Mapping[str, Service] = {
    "webhook": endpoint,
    "telegram": _telegram,
    "slack": _slack,
    "discord": _discord,
    "line": _line,
    "whatsapp": _whatsapp,
    "wechat": _wechat,
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
}
"""By channel; those that do not go by HTTP are not here."""

# What is asked for before a message can be sent: by the end of the path.
_BEFORE: Mapping[str, object] = {
    "/cgi-bin/stable_token": {"access_token": _TOKEN, "expires_in": _HOURS},
    "/cgi-bin/gettoken": {"errcode": 0, "errmsg": "ok", "access_token": _TOKEN, "expires_in": _HOURS},
    "/v1.0/oauth2/accessToken": {"accessToken": _TOKEN, "expireIn": _HOURS},
    "/auth/v3/tenant_access_token/internal": {
        "code": 0,
        "msg": "ok",
        "tenant_access_token": _TOKEN,
        "expire": _HOURS,
    },
    "/users/@me/channels": {"id": "100000000000000000", "type": 1},
    "/answerCallbackQuery": {"ok": True, "result": True},
}


def answers(service: Service, play: Play, number: int) -> Answers:
    """Have a service answer in one way."""

    def answer(asked: Exchange) -> Answered:
        for end, said in _BEFORE.items():
            if asked.path.endswith(end):
                return Answered(_say(200, said), is_message=False)
        return Answered(service(asked, number)[play])

    return answer


def _sent(asked: Exchange) -> Mapping[str, list[str]]:
    found = json.loads(asked.body or b"{}")
    return found if isinstance(found, dict) else {}

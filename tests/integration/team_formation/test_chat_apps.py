"""Apps of chat services over the API: set up, changed, listed, forgotten, and never shown again."""

import pytest
from groupbuy.team_formation.v1 import chat_apps_pb2 as pb

from services.team_formation.chats.apps import MOST_APPS
from tests.support.hook_calls import STYLES, Style
from tests.support.shop_api import Api, refused

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def an_app(service: str = "slack", name: str = "shop", **secrets: list[str]) -> pb.PutChatAppRequest:
    given = secrets or {"signing_secrets": [SECRET]}
    return pb.PutChatAppRequest(
        service=service,
        name=name,
        secrets={key: pb.ChatSecret(values=values) for key, values in given.items()},
    )


def opened_by(link: str) -> pb.PutChatAppRequest:
    request = an_app()
    request.open_link = link
    return request


async def test_what_is_allowed_in_its_chats_is_kept_and_changed(api: Api) -> None:
    request = opened_by("https://t.me/oliveto_bot?start={code}")
    request.allows_leave = True
    made = (await api.call("PutChatApp", request)).app
    assert (made.allows_leave, made.open_link) == (True, "https://t.me/oliveto_bot?start={code}")
    assert (await api.call("PutChatApp", request)).app == made
    changed = (await api.call("PutChatApp", an_app())).app
    assert (changed.allows_leave, changed.open_link, changed.version) == (False, "", 2)


async def test_an_app_has_an_address_that_stays_and_secrets_that_are_never_shown(api: Api) -> None:
    made = (await api.call("PutChatApp", an_app())).app
    assert made.url.startswith("https://shop.example/hooks/slack/")
    assert (made.version, dict(made.secrets)) == (1, {"signing_secrets": 1})
    again = (await api.call("PutChatApp", an_app())).app
    assert again == made
    changed = (await api.call("PutChatApp", an_app(signing_secrets=["f" * 32, SECRET]))).app
    assert (changed.url, changed.version, dict(changed.secrets)) == (made.url, 2, {"signing_secrets": 2})
    listed = (await api.call("ListChatApps", pb.ListChatAppsRequest())).apps
    assert list(listed) == [changed]
    assert SECRET not in str(listed)
    await api.call("DeleteChatApp", pb.DeleteChatAppRequest(service="slack", name="shop"))
    await api.call("DeleteChatApp", pb.DeleteChatAppRequest(service="slack", name="shop"))
    assert not (await api.call("ListChatApps", pb.ListChatAppsRequest())).apps


@pytest.mark.parametrize("style", {one.service: one for one in STYLES}.values(), ids=lambda style: style.service)
async def test_every_service_can_be_set_up(api: Api, style: Style) -> None:
    given: dict[str, list[str]] = {
        name: [value] if isinstance(value, str) else list(value)
        for name in style.secrets.__dataclass_fields__
        if (value := getattr(style.secrets, name))
    }
    made = (await api.call("PutChatApp", an_app(style.service, "shop", **given))).app
    assert dict(made.secrets) == {name: len(values) for name, values in given.items()}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (an_app("icq"), "service"),
        (an_app(name="My Shop"), "name"),
        (an_app(name=""), "name"),
        (an_app(nonsense=["x" * 20]), "secrets['nonsense']"),
        (pb.PutChatAppRequest(service="slack", name="shop"), "secrets['signing_secrets']"),
        (an_app(signing_secrets=[]), "secrets"),
        (an_app(signing_secrets=["short"]), "secrets"),
        (an_app(signing_secrets=[SECRET, "f" * 32, "e" * 32]), "secrets"),
        (an_app(signing_secrets=["x" * 600]), "secrets"),
        (opened_by("http://t.me/shop?start={code}"), "open_link"),
        (opened_by("https://t.me/shop?start="), "open_link"),
        (opened_by("https://t.me/{code}?start={code}"), "open_link"),
        (opened_by("https://t.me/\n{code}"), "open_link"),
        (opened_by(f"https://t.me/{'x' * 500}{{code}}"), "open_link"),
        (an_app("wecom", tokens=["QDG6eK"], aes_keys=["A" * 43], corp_id=["a", "b"]), "secrets['corp_id']"),
    ],
)
async def test_what_cannot_be_is_refused_by_name_and_without_its_value(
    api: Api, request_: pb.PutChatAppRequest, field: str
) -> None:
    _, reason, problems = await refused(api.call("PutChatApp", request_))
    assert reason == "INVALID_ARGUMENT"
    assert list(problems) == [field]
    assert "short" not in str(problems)
    assert not (await api.call("ListChatApps", pb.ListChatAppsRequest())).apps


async def test_a_platform_has_so_many_apps(api: Api) -> None:
    for at in range(MOST_APPS):
        await api.call("PutChatApp", an_app(name=f"shop-{at}"))
    _, _, problems = await refused(api.call("PutChatApp", an_app(name="one-more")))
    assert list(problems) == ["name"]
    await api.call("PutChatApp", an_app(name="shop-3", signing_secrets=["e" * 32]))

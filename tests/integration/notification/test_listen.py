"""`groupbuy listen` as a program of its own: it shows and forwards what happens, and goes on where it was."""

import asyncio
import json
import os
import sys
from pathlib import Path

from services.notification.signatures import new_secret
from services.notification.testing.http_sink import Answer
from tests.integration.notification.test_webhooks import a_shop, a_team, is_signed
from tests.support.notification_rpc import SHOP, Api
from tests.support.notifying import Notifying


async def listen(api: Api, *options: str, key: str = f"gbk_{SHOP.int}_secret") -> tuple[int, str, str]:
    """Run the command; gives its exit code and what it wrote."""
    environment = {**os.environ, "GROUPBUY_NOTIFICATION": api.address, "GROUPBUY_PLATFORM_KEY": key}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", "listen", *options,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def test_it_shows_events_and_goes_on_where_it_was(notification: Notifying, api: Api, tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"
    await notification.do("INSERT INTO event_readers VALUES (%s, now())", SHOP)
    life = await a_team(notification, "tom")
    first = ["--from-start", "--cursor-file", str(cursor), "--type", "team.*", "--count", "3"]
    code, output, _ = await listen(api, *first)
    assert code == 0
    assert [line.split()[1] for line in output.splitlines()] == ["team.team_opened", "team.seat_held", "team.seat_held"]
    assert all(line.endswith(life.team_id) for line in output.splitlines())
    code, output, _ = await listen(api, "--cursor-file", str(cursor), "--type", "team.*", "--count", "1", "--json")
    assert json.loads(output)["type"] == "team.seat_confirmed"


async def test_it_forwards_signed_posts_until_they_are_taken(notification: Notifying, api: Api) -> None:
    secret = new_secret()
    await notification.do("INSERT INTO event_readers VALUES (%s, now())", SHOP)
    await a_team(notification)
    async with a_shop(Answer(500)) as shop:
        wanted = ["--from-start", "--type", "team.*", "--count", "2", "--forward", shop.url, "--secret", secret]
        code, output, _ = await listen(api, *wanted)
    assert (code, [line.split("-> ")[1] for line in output.splitlines()]) == (0, ["HTTP 204"] * 2)
    assert shop.types == ["team.team_opened", "team.team_opened", "team.seat_held"]
    assert all(is_signed(item, secret) for item in shop.sink.asked)


async def test_what_cannot_be_is_said(api: Api) -> None:
    code, _, errors = await listen(api, "--count", "1", key="gbk_1_wrong")
    assert (code, "GROUPBUY_PLATFORM_KEY" in errors) == (1, True)
    code, _, errors = await listen(api, "--forward", "localhost:3000")
    assert (code, "must be an http or https URL" in errors) == (2, True)


async def test_what_cannot_be_used_is_said_before_anything_is_read(api: Api, tmp_path: Path) -> None:
    code, _, errors = await listen(api, "--forward", "http://localhost:3000/", "--secret", "whsec_abc")
    assert (code, "--secret must be" in errors) == (2, True)
    code, _, errors = await listen(api, "--cursor-file", str(tmp_path / "none" / "cursor"))
    assert (code, "there is no folder" in errors) == (2, True)

"""Files for WeChat over the API: set, changed, listed, forgotten; each of the platform that set it first."""

import asyncio

import grpc
import pytest
from groupbuy.team_formation.v1 import team_formation_internal_pb2 as internal_pb
from groupbuy.team_formation.v1 import wechat_files_pb2 as pb

from services.team_formation.wechat.files import MOST_FILES
from tests.support.shop_api import SERVICE_KEY, Api, refused

LETTERS = "A1b2C3d4E5f6G7h8"
NAME = f"MP_verify_{LETTERS}.txt"


def a_file(letters: str = LETTERS, content: str = LETTERS) -> pb.PutWeChatFileRequest:
    return pb.PutWeChatFileRequest(name=f"MP_verify_{letters}.txt", content=content)


async def names(api: Api, key: str | None = None) -> list[str]:
    answer = await api.call("ListWeChatFiles", pb.ListWeChatFilesRequest(), key)
    return [file.name for file in answer.files]


async def another_platform(api: Api) -> str:
    request = internal_pb.CreatePlatformRequest(name="other")
    made = await api.internal.CreatePlatform(request, metadata=(("authorization", f"Bearer {SERVICE_KEY}"),))
    return str(made.key)


async def test_a_file_is_set_changed_and_forgotten(api: Api) -> None:
    made = (await api.call("PutWeChatFile", a_file())).file
    assert (made.name, made.content) == (NAME, LETTERS)
    assert (await api.call("PutWeChatFile", a_file())).file == made
    changed = (await api.call("PutWeChatFile", a_file(content="x" * 16))).file
    assert (changed.content, changed.created_at) == ("x" * 16, made.created_at)
    assert await names(api) == [NAME]
    for _ in range(2):
        await api.call("DeleteWeChatFile", pb.DeleteWeChatFileRequest(name=NAME))
    assert await names(api) == []


async def test_what_is_no_name_of_a_file_is_not_forgotten(api: Api) -> None:
    for name in ("", "x", "\x00", f"{NAME}\n"):
        _, reason, problems = await refused(api.call("DeleteWeChatFile", pb.DeleteWeChatFileRequest(name=name)))
        assert (reason, list(problems)) == ("INVALID_ARGUMENT", ["name"])


async def test_a_file_belongs_to_the_platform_that_set_it_first(api: Api) -> None:
    other = await another_platform(api)
    await api.call("PutWeChatFile", a_file())
    code, reason, _ = await refused(api.call("PutWeChatFile", a_file(content="x" * 16), other))
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "WECHAT_FILE_TAKEN")
    assert await names(api, other) == []
    await api.call("DeleteWeChatFile", pb.DeleteWeChatFileRequest(name=NAME), other)
    assert await names(api) == [NAME]
    await api.call("DeleteWeChatFile", pb.DeleteWeChatFileRequest(name=NAME))
    assert (await api.call("PutWeChatFile", a_file(), other)).file.name == NAME


async def test_of_many_who_set_one_file_at_once_one_has_it(api: Api) -> None:
    keys = [api.key, *[await another_platform(api) for _ in range(5)]]
    answers = await asyncio.gather(*(api.call("PutWeChatFile", a_file(), key) for key in keys), return_exceptions=True)
    assert sum(isinstance(answer, pb.PutWeChatFileResponse) for answer in answers) == 1
    assert sum([await names(api, key) == [NAME] for key in keys]) == 1


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (a_file("short"), ["name"]),
        (a_file("A1b2C3d4E5f6G7h8x"), ["name"]),
        (a_file("../../etc/passwd"), ["name"]),
        (a_file("\N{FULLWIDTH DIGIT ONE}" * 16), ["name"]),
        (pb.PutWeChatFileRequest(name=NAME + "\n", content=LETTERS), ["name"]),
        (a_file(content=f"{LETTERS}\n"), ["content"]),
        (a_file(content="<script>alert(1)"), ["content"]),
        (pb.PutWeChatFileRequest(), ["name", "content"]),
    ],
)
async def test_what_is_no_file_of_wechat_is_refused_by_field(
    api: Api, request_: pb.PutWeChatFileRequest, fields: list[str]
) -> None:
    _, reason, problems = await refused(api.call("PutWeChatFile", request_))
    assert (reason, list(problems)) == ("INVALID_ARGUMENT", fields)
    assert await names(api) == []


async def test_a_platform_has_so_many_files(api: Api) -> None:
    for at in range(MOST_FILES):
        await api.call("PutWeChatFile", a_file(f"{at:016d}"))
    _, reason, problems = await refused(api.call("PutWeChatFile", a_file(f"{MOST_FILES:016d}")))
    assert (reason, list(problems)) == ("INVALID_ARGUMENT", ["name"])
    await api.call("PutWeChatFile", a_file(f"{3:016d}", "y" * 16))
    assert len(await names(api)) == MOST_FILES

"""Scenes are read as written; a mistake is told with file, line, the wrong word and the remedy."""

from pathlib import Path

import pytest

from deploy.demo.errors import SceneError
from deploy.demo.scene import OURS, needed_for, read_scene, read_scenes
from deploy.demo.scene.lines import Lines
from deploy.demo.scene.model import Crowd, Discount, Expect, Join, Member, Open, Receipts, Share, Tier

CAMPAIGN = """\
title = "A team"

[campaign]
title = "Mangoes"
payment = "PREPAID"
minimum = 2
maximum = 3
currency = "EUR"

[[campaign.item]]
sku = "mangoes"
alone = 39.90

[[campaign.tier]]
from = 2
price = 34.90

[members]
Mei = "email"
Tom = { reach = ["webhook", "console"], language = "zh-Hans" }

[[step]]
open = "Mei"

[[step]]
share = "Mei"
in = ["wechat"]
"""


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.toml"
    path.write_text(CAMPAIGN)
    return path


def complaint(path: Path, text: str) -> str:
    """Read `text` as a scene and give what the user is told, without the folder."""
    path.write_text(text)
    with pytest.raises(SceneError) as error:
        read_scene(path, {})
    return str(error.value).removeprefix(f"{path.parent}/")


def test_a_scene_is_read_as_written(scene: Path) -> None:
    read = read_scene(scene, {})
    assert read.campaign.items[0].alone == 3990
    assert read.campaign.tiers == (Tier(2, (Discount("price", 3490),)),)
    assert read.members["Mei"] == Member("Mei", ("email",))
    assert read.members["Tom"] == Member("Tom", ("webhook", "console"), "zh-Hans")
    assert read.steps == (
        Open("Mei", "mangoes", 1, pay=True, refused="", line=23),
        Share("Mei", ("wechat",), "", line=26),
    )


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('open = "Mei"', 'opne = "Mei"', '23: No step is called "opne". Did you mean "open"?'),
        ('open = "Mei"', 'open = "Mai"', '23: open: "Mai" is not known. Did you mean "Mei"?'),
        ('open = "Mei"', 'open = "Mei"\nquantty = 2', '24: "quantty" is not known here. Did you mean "quantity"?'),
        ('open = "Mei"', 'open = "Mei"\nquantity = "2"', '24: quantity must be a whole number. It is "2".'),
        ('open = "Mei"', 'open = "Mei"\nquantity = true', "24: quantity must be a whole number. It is True."),
        (
            'open = "Mei"',
            'open = "Mei"\nleave = "Tom"',
            "24: One step does one thing, not open and leave. Make two steps of it.",
        ),
        (
            'open = "Mei"',
            'open = "Mei"\nrefused = "TEAM_FUL"',
            '24: refused: "TEAM_FUL" is not known. Did you mean "TEAM_FULL"?',
        ),
        ("alone = 39.90", "alone = 39.999", "12: alone = 39.999 is finer than EUR, which has 2 decimals. Round it."),
        (
            "alone = 39.90",
            'alone = "39.90"',
            "12: alone must be an amount. Write it as a number without quotes, for instance 24.90.",
        ),
        ('sku = "mangoes"', 'skuu = "mangoes"', '11: "skuu" is not known here. Did you mean "sku"?'),
        (
            "price = 34.90",
            "price = 34.90\noff = 5",
            "14: A tier takes off in one way. Write one of price, off, percent_off.",
        ),
        ("minimum = 2", "minimum = 0", "6: minimum = 0 is too small. Write 1 or more."),
        ("minimum = 2\n", "", "3: minimum is missing. Add a line minimum = ..."),
        ("minimum = 2", "minimun = 2", '6: "minimun" is not known here. Did you mean "minimum"?'),
        ('payment = "PREPAID"', 'payment = "prepaid"', '5: payment: "prepaid" is not known. Did you mean "PREPAID"?'),
        (
            "maximum = 3",
            'maximum = 3\nteam_lifetime = "2 hours"',
            '8: team_lifetime = "2 hours" is no length of time. Write for instance "10 s", "5 min" or "2 h".',
        ),
        ('Mei = "email"', 'Mei = "e-mail"', '19: Mei: "e-mail" is not known. Did you mean "email"?'),
        (
            'Mei = "email"',
            '"Mei Lin" = "email"',
            '19: "Mei Lin" is no first name. Use letters a to z and digits: it becomes part of an id.',
        ),
        ('"webhook", "console"', '"webhook", "consle"', '20: reach: "consle" is not known. Did you mean "console"?'),
        ('title = "A team"', 'titel = "A team"', '1: "titel" is not known here. Did you mean "title"?'),
        ('title = "A team"', 'title = "A team', "1: Illegal character '\\n'. This is no TOML; see https://toml.io."),
    ],
)
def test_a_mistake_is_told_with_line_and_remedy(scene: Path, right: str, wrong: str, told: str) -> None:
    assert CAMPAIGN.count(right) >= 1
    assert complaint(scene, CAMPAIGN.replace(right, wrong, 1)) == f"scene.toml:{told}"


def test_a_chat_must_have_been_shared_in(scene: Path) -> None:
    told = complaint(scene, CAMPAIGN + '\n[[step]]\njoin = "Tom"\nby = "wechatt"\n')
    assert told == 'scene.toml:31: by: "wechatt" is not known. Did you mean "wechat"?'


def test_a_mistake_inside_an_inline_table_is_found(scene: Path) -> None:
    told = complaint(scene, CAMPAIGN + '\n[[step]]\nexpect = {\n  state = "tiped" }\n'.replace("{\n ", "{"))
    assert told == 'scene.toml:30: state: "tiped" is not known. Did you mean "tipped"?'
    told = complaint(scene, CAMPAIGN + "\n[[step]]\nexpect = { told = { JOINT = 2 } }\n")
    assert told == 'scene.toml:30: told: "JOINT" is not known. Did you mean "JOINED"?'


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"absent\.toml: cannot be read \(No such file"):
        read_scene(tmp_path / "absent.toml", {})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SceneError, match="is not UTF-8"):
        read_scene(tmp_path / "binary.toml", {})
    with pytest.raises(SceneError, match="There is no scene"):
        read_scenes(tmp_path / "nothing")


def test_a_scene_goes_on_where_another_ended(tmp_path: Path) -> None:
    (tmp_path / "1-first.toml").write_text(CAMPAIGN)
    (tmp_path / "2-second.toml").write_text(
        'title = "On"\ncontinues = "1-first"\n[members]\nAnn = "console"\n'
        '[[step]]\njoin = "Ann"\nby = "wechat"\nat_most = 30\n'
    )
    scenes = read_scenes(tmp_path)
    second = scenes["2-second"]
    assert list(second.members) == ["Mei", "Tom", "Ann"]
    assert second.campaign is scenes["1-first"].campaign
    assert second.steps == (
        Join("Ann", "wechat", "mangoes", 1, pay=True, at_most=3000, gets="seat", refused="", line=6),
    )
    assert needed_for(second, scenes) == [scenes["1-first"]]


def test_what_a_scene_continues_must_be_there_and_bring_the_campaign(tmp_path: Path) -> None:
    (tmp_path / "1-first.toml").write_text(CAMPAIGN)
    (tmp_path / "2-second.toml").write_text('title = "On"\ncontinues = "1-frist"\n')
    with pytest.raises(
        SceneError, match=r'2-second\.toml:2: No earlier scene is called "1-frist"\. Did you mean "1-first"\?'
    ):
        read_scenes(tmp_path)
    (tmp_path / "2-second.toml").write_text('title = "On"\ncontinues = "1-first"\n[campaign]\n')
    with pytest.raises(SceneError, match=r"2-second\.toml:3: A scene that continues another has its campaign"):
        read_scenes(tmp_path)


def test_currencies_have_their_own_decimals(scene: Path) -> None:
    told = complaint(scene, CAMPAIGN.replace('"EUR"', '"JPY"'))
    assert told.startswith("scene.toml:12: alone = 39.90 is finer than JPY, which has 0 decimals.")
    scene.write_text(CAMPAIGN.replace('"EUR"', '"KWD"'))
    assert read_scene(scene, {}).campaign.items[0].alone == 39900


def test_our_scenes_are_right() -> None:
    scenes = read_scenes(OURS)
    assert [name.partition("-")[0] for name in scenes] == [str(number) for number in range(1, 19)]
    sale = scenes["10-flash-sale"].steps
    crowd = next(step for step in sale if isinstance(step, Crowd))
    assert (crowd.size, crowd.within, crowd.kill, crowd.at_seat) == (500, 2.0, "team_formation", 150)
    assert scenes["3-tom-leaves"].steps[-2] == Receipts((), line=38)
    assert any(isinstance(step, Expect) and step.refused == {"TEAM_FULL": 200} for step in sale)


def test_scenes_come_in_the_order_of_their_numbers_then_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "10-ten", "a", "9-nine", "10-again"):
        (tmp_path / f"{name}.toml").write_text(CAMPAIGN)
    assert list(read_scenes(tmp_path)) == ["9-nine", "10-again", "10-ten", "a", "b"]


def test_lines_know_tables_arrays_and_skip_long_texts() -> None:
    text = Lines('a = """\n[no.table]\nb = 1\n"""\n[[t]]\nx = 1\n[[t]]\nx = 2\n[t.u]\ny = 3\n')
    assert text.find(("a",)) == 1
    assert text.find(("b",)) == 1
    assert text.find(("t", 0, "x")) == 6
    assert text.find(("t", 1, "x")) == 8
    assert text.find(("t", 1, "u", "y")) == 10
    assert text.find(("t", 1, "z")) == 7

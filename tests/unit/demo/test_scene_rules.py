"""The rules of a scene's campaign arrive in the request that the demo sends, and what is left out is the usual."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from groupbuy.money.v1.money_pb2 import Money
from groupbuy.team_formation.v1 import types_pb2
from groupbuy.team_formation.v1.team_formation_service_pb2 import CreateCampaignRequest

from deploy.demo.errors import SceneError
from deploy.demo.play.campaign import asserted, campaign_request
from deploy.demo.scene import Scene, read_scene

RULES = """\
max_units_per_member = 4
max_teams_per_member = 3
max_teams_opened_per_member = 2
on_full = "waitlist"
max_waiting = 7
who_may_join = { old_brings_new = true, tags = ["students"], match_key_needed = true }
visibility = "listed"
max_sponsored = 1
hold_extension = "5 min"
leave_after_formed = "1 h"
leader_reward = 2.50
pay_within = "2 min"
starts_in = "1 h"
may_extend = "30 min"
"""
MEMBERS = """\
[members]
Mei = "email"
Tom = { reach = "email", newcomer = true, tags = ["students", "staff"], match_key = "station" }
"""


def scene(folder: Path, rules: str = "", item: str = "") -> Scene:
    path = folder / "scene.toml"
    path.write_text(
        'title = "A team"\n[campaign]\ntitle = "Tea"\npayment = "COMMIT"\nminimum = 2\nmaximum = 3\n'
        'team_lifetime = "2 h"\n'
        f'{rules}[[campaign.item]]\nsku = "tea"\nalone = 10\n{item}[[campaign.tier]]\nfrom = 2\nprice = 8\n'
        f'{MEMBERS}[[step]]\nopen = "Mei"\n'
    )
    return read_scene(path, {})


def requested(folder: Path, rules: str = "", item: str = "") -> CreateCampaignRequest:
    return campaign_request(scene(folder, rules, item).campaign)


def test_every_rule_arrives(tmp_path: Path) -> None:
    rules = requested(tmp_path, RULES).rules
    assert (rules.max_units_per_member, rules.max_teams_per_member, rules.max_teams_opened_per_member) == (4, 3, 2)
    assert (rules.on_full, rules.max_waiting) == (types_pb2.ON_FULL_WAITLIST, 7)
    who = types_pb2.WhoMayJoin(old_brings_new=True, tags=["students"], match_key_needed=True)
    assert rules.who_may_join == who
    assert (rules.visibility, rules.max_sponsored) == (types_pb2.VISIBILITY_LISTED, 1)
    assert (rules.hold_extension.ToSeconds(), rules.leave_after_formed.ToSeconds()) == (300, 3600)
    assert rules.leader_reward == Money(minor_units=250, currency="EUR")
    assert rules.payment_terms.pay_within.ToSeconds() == 120


def test_a_campaign_starts_and_may_be_extended_as_the_scene_says(tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(tzinfo=None)
    request = requested(tmp_path, RULES)
    starts, ends = request.starts_at.ToDatetime(), request.ends_at.ToDatetime()
    assert starts >= before + timedelta(hours=1)
    assert ends - starts == timedelta(hours=2, days=1)
    assert request.latest_end.ToDatetime() - ends == timedelta(minutes=30)


def test_what_a_scene_does_not_say_is_not_asked(tmp_path: Path) -> None:
    request = requested(tmp_path)
    assert not request.HasField("starts_at")
    assert not request.HasField("latest_end")
    assert not request.items[0].HasField("stock")
    said = {field.name for field, _ in request.rules.ListFields()}
    assert "payment_terms" not in said
    assert not said & {"hold_extension", "leave_after_formed", "leader_reward", "max_waiting", "max_sponsored"}
    assert request.rules.who_may_join == types_pb2.WhoMayJoin()
    assert (request.rules.on_full, request.rules.visibility) == (
        types_pb2.ON_FULL_REFUSE,
        types_pb2.VISIBILITY_LINK_ONLY,
    )


def test_a_stock_of_none_is_a_stock(tmp_path: Path) -> None:
    request = requested(tmp_path, item="stock = 0\n")
    assert request.items[0].HasField("stock")
    assert request.items[0].stock == 0


def test_what_the_shop_says_of_a_member_is_asserted(tmp_path: Path) -> None:
    members = scene(tmp_path).members
    assert asserted(members["Mei"]) == types_pb2.Assertions()
    assert asserted(members["Tom"]) == types_pb2.Assertions(
        newcomer=True, tags=["students", "staff"], match_key="station"
    )


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('on_full = "wait"', 'on_full: "wait" is not known. Did you mean "waitlist"?'),
        ('visibility = "public"', 'visibility: "public" is not known. There are: link_only, listed.'),
        (
            "who_may_join = { newcomer_only = true }",
            '"newcomer_only" is not known here. Did you mean "newcomers_only"?',
        ),
        ("leader_reward = 2.505", "leader_reward = 2.505 is finer than EUR, which has 2 decimals. Round it."),
        ("max_sponsored = -1", "max_sponsored = -1 is too small. Write 0 or more."),
    ],
)
def test_a_mistake_in_a_rule_is_told_with_its_line(tmp_path: Path, rule: str, told: str) -> None:
    with pytest.raises(SceneError) as error:
        scene(tmp_path, f"{rule}\n")
    assert str(error.value) == f"{tmp_path / 'scene.toml'}:8: {told}"

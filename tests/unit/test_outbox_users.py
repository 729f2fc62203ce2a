"""groupbuy outbox republish where each service has a user of its own at Kafka, who sees its own group alone."""

from collections.abc import Sequence

import pytest
from kafka.errors import GroupAuthorizationFailedError

from deploy.cli import outbox
from deploy.local.errors import LocalError
from services.chassis import kafka_clients, positions
from services.chassis.kafka_security import KafkaSecurity
from services.chassis.topics import group_of, used_by


class Admin:
    """An administrator's client that Kafka hides every group from."""

    def list_topics(self) -> list[str]:
        return []

    def list_group_offsets(self, _groups: list[str]) -> None:
        raise GroupAuthorizationFailedError

    def close(self) -> None:
        """Close."""


@pytest.fixture(autouse=True)
def _pricing_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def put_back(_kafka: str, groups: Sequence[str], _security: KafkaSecurity) -> list[positions.Beyond]:
        [group] = groups
        if group != group_of("pricing"):
            raise positions.GroupHidden(group)
        return [positions.Beyond(group, "a", 0, 9, 0, is_put_back=True)]

    monkeypatch.setattr(outbox, "put_back", put_back)


async def test_groups_of_other_services_are_named_and_not_in_the_way() -> None:
    beyond, hidden = await outbox.put_all_back("kafka:9092", ["pricing"])
    assert [item.group for item in beyond] == [group_of("pricing")]
    assert hidden == ["team_formation", "notification"]


async def test_a_service_whose_own_group_is_hidden_is_refused() -> None:
    with pytest.raises(LocalError, match="Try again as the user of team_formation"):
        await outbox.put_all_back("kafka:9092", ["pricing", "team_formation"])


async def test_a_group_that_may_not_be_looked_at_is_no_kafka_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_clients, "connected", lambda *_arguments, **_options: Admin())
    with pytest.raises(positions.GroupHidden, match="groupbuy-pricing"):
        await positions.put_back("kafka:9092", ["groupbuy-pricing"])


def test_only_topics_that_a_service_writes_or_reads_are_missed_for_it() -> None:
    assert "groupbuy.delivery.v1" not in used_by(["pricing"])
    assert {"groupbuy.team.v1", "groupbuy.price.v1"} <= used_by(["pricing"])

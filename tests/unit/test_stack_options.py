"""Choices about the local stack: servers that are there already, listeners beyond loopback, where data lie."""

from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.stack.layout import Layout
from deploy.local.stack.options import StackOptions, default_data
from deploy.local.stack.services import Servers, service_address, service_part

SECRETS = {"GROUPBUY_SERVICE_KEY": "k" * 16, "GROUPBUY_INVITE_SECRET": "s" * 16}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "shop.example"])  # noqa: S104
@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_beyond_loopback_both_secrets_must_be_chosen_by_the_user(host: str, missing: str) -> None:
    some = {name: value for name, value in SECRETS.items() if name != missing}
    with pytest.raises(LocalError, match=f"{missing} is not set"):
        StackOptions(host=host, environment=some).checked()
    StackOptions(host=host, environment=SECRETS).checked()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_secrets_are_made_for_the_user(host: str) -> None:
    StackOptions(host=host, environment={}).checked()


@pytest.mark.parametrize("url", ["mysql://me:hush@db:3306", "db:5432", "me:hush@db:5432", "postgresql://"])
def test_what_is_no_address_of_postgresql_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(LocalError, match="GROUPBUY_DATABASE_URL is not the address") as caught:
        StackOptions(environment={"GROUPBUY_DATABASE_URL": url}).checked()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://db", "postgres://me:p@db:5432/postgres", "postgresql:///?host=/run/pg"])
def test_every_way_to_name_a_postgresql_server_is_taken(url: str) -> None:
    StackOptions(environment={"GROUPBUY_DATABASE_URL": url}).checked()


@pytest.mark.parametrize("servers", ["kafka", "kafka:", ":9092", "kafka:x", "a:1,b"])
def test_a_kafka_without_host_or_port_is_refused(servers: str) -> None:
    with pytest.raises(LocalError, match="is not host:port"):
        StackOptions(environment={"GROUPBUY_KAFKA": servers}).checked()


def test_several_kafka_servers_are_taken() -> None:
    StackOptions(environment={"GROUPBUY_KAFKA": "a:1, [::1]:2"}).checked()


def test_a_data_directory_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match=r"The data directory .*file/data cannot be used: Not a directory\.") as caught:
        Layout.of(StackOptions(data=tmp_path / "file" / "data", environment={})).make()
    assert "--data DIR" in caught.value.remedy


def test_data_lie_where_the_desktop_standard_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert default_data() == Path("/somewhere/groupbuy")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/mei")
    assert default_data() == Path("/home/mei/.local/share/groupbuy")


def test_each_pair_of_servers_has_a_folder_of_its_own(tmp_path: Path) -> None:
    environments: list[dict[str, str]] = [
        {},
        {"GROUPBUY_KAFKA": "kafka:9092"},
        {"GROUPBUY_DATABASE_URL": "postgresql://me:secret@db:5432"},
        {"GROUPBUY_KAFKA": "kafka:9092", "GROUPBUY_DATABASE_URL": "postgresql://me:secret@db:5432"},
    ]
    worlds = [Layout.of(StackOptions(data=tmp_path, environment=one)).world for one in environments]
    worlds.append(Layout.of(StackOptions(data=tmp_path, environment={}, kafka="apache")).world)
    assert worlds == [
        "local",
        "kafka-kafka-9092",
        "local-database-db-5432",
        "kafka-kafka-9092-database-db-5432",
        "apache",
    ]


def test_a_listener_on_every_address_is_called_by_loopback() -> None:
    ports = {"pricing": 7102}
    assert service_address("pricing", "0.0.0.0", ports) == "127.0.0.1:7102"  # noqa: S104
    assert service_address("pricing", "::", ports) == "[::1]:7102"
    assert service_address("pricing", "192.0.2.7", ports) == "192.0.2.7:7102"


def test_a_service_gets_the_users_settings_but_the_stacks_addresses(tmp_path: Path) -> None:
    mine = {"GROUPBUY_LOG_LEVEL": "debug", "GROUPBUY_LISTEN": "127.0.0.1:1", "GROUPBUY_SMTP": "127.0.0.1:2525"}
    options = StackOptions(data=tmp_path, environment=mine)
    ports = {"team_formation": 1, "pricing": 2, "notification": 3, "pricing.ops": 4, "web": 5, "pricing.http": 6}
    keys = ("one:c2VlZA==", "two:c2VlZA==", "three:c2VlZA==")
    servers = Servers("postgresql://x", "127.0.0.1:7092", "key", "secret", ports, *keys)
    environment = service_part("pricing", options, Layout.of(options), servers).environment
    assert environment["GROUPBUY_QUOTE_KEYS"] == "one:c2VlZA=="
    assert environment["GROUPBUY_HANDOVER_KEYS"] == "two:c2VlZA=="
    assert environment["GROUPBUY_SEAL_KEYS"] == "three:c2VlZA=="
    assert environment["GROUPBUY_LOG_LEVEL"] == "debug"
    assert environment["GROUPBUY_SMTP"] == "127.0.0.1:2525"
    assert environment["GROUPBUY_LISTEN"] == "127.0.0.1:2"
    assert environment["GROUPBUY_OPS_LISTEN"] == "127.0.0.1:4"
    assert environment["GROUPBUY_HTTP_LISTEN"] == "127.0.0.1:6"
    assert environment["GROUPBUY_TEAM_FORMATION"] == "127.0.0.1:1"
    assert environment["GROUPBUY_SERVICE_KEY"] == "key"
    assert environment["GROUPBUY_WEB_LISTEN"] == "127.0.0.1:5"
    assert environment["GROUPBUY_PUBLIC_URL"] == "http://127.0.0.1:5"

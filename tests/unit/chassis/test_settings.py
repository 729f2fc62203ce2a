"""Settings: what is wrong names its variable and the remedy; nothing listens to the world without keys."""

from pathlib import Path

import pytest

from services.chassis.database import database_url
from services.chassis.kafka_security import PLAINTEXT
from services.chassis.settings import ChassisSettings, SettingsError, is_loopback, load, split_address
from services.chassis.tls import Listening
from tests.support.authority import Authority

GOOD = {
    "GROUPBUY_DATABASE_URL": "postgresql://u:p@db:5432",
    "GROUPBUY_KAFKA": "kafka-1:9092,kafka-2:9092",
    "GROUPBUY_LISTEN": "127.0.0.1:7101",
    "GROUPBUY_OPS_LISTEN": "127.0.0.1:7201",
}


def settings(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> ChassisSettings:
    for name, value in {**GOOD, **{f"GROUPBUY_{key.upper()}": value for key, value in changes.items()}}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load(ChassisSettings)


def test_good_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, log_level="debug", max_parked_keys="5")
    assert (found.kafka, found.log_level, found.max_parked_keys) == ("kafka-1:9092,kafka-2:9092", "debug", 5)
    assert found.service_key.get_secret_value() == ""


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("database_url", None, "GROUPBUY_DATABASE_URL is not set. PostgreSQL server, for instance postgresql://"),
        ("database_url", "localhost:5432", "GROUPBUY_DATABASE_URL must begin with postgresql://"),
        ("kafka", None, "GROUPBUY_KAFKA is not set. Bootstrap servers"),
        ("kafka", "kafka", "GROUPBUY_KAFKA must be host:port"),
        ("listen", "7101", "GROUPBUY_LISTEN must be host:port"),
        ("ops_listen", "127.0.0.1:99999", "GROUPBUY_OPS_LISTEN must be host:port"),
        ("log_format", "xml", "GROUPBUY_LOG_FORMAT input should be 'json' or 'text'"),
        ("drain_seconds", "-1", "GROUPBUY_DRAIN_SECONDS input should be greater than or equal to 0"),
        ("traces_endpoint", "http://collector:4317", "GROUPBUY_TRACES_ENDPOINT must be host:port without http://"),
        ("traces_ratio", "1%", "GROUPBUY_TRACES_RATIO input should be a valid number"),
        ("traces_ratio", "2", "GROUPBUY_TRACES_RATIO input should be less than or equal to 1"),
        ("environment", "the live one", "GROUPBUY_ENVIRONMENT string should match pattern"),
        ("database_pool", "many", "GROUPBUY_DATABASE_POOL input should be a valid integer"),
    ],
)
def test_what_is_wrong_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, complaint: str
) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(monkeypatch, **{name: value})
    assert str(wrong.value).startswith(complaint)
    assert "\n" not in str(wrong.value)


def test_everything_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(monkeypatch, database_url=None, kafka=None, log_level="loud")
    assert len(str(wrong.value).splitlines()) == 3


@pytest.mark.parametrize("listen", ["0.0.0.0:7101", "[::]:7101", "example.org:7101", "10.0.0.1:7101"])
@pytest.mark.parametrize("key", [None, "short"])
def test_nothing_listens_to_the_world_without_keys(
    monkeypatch: pytest.MonkeyPatch, listen: str, key: str | None
) -> None:
    with pytest.raises(SettingsError, match="GROUPBUY_SERVICE_KEY must be set"):
        settings(monkeypatch, listen=listen, service_key=key)
    assert settings(monkeypatch, listen=listen, service_key="k" * 16).listen == listen


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "k" * 16 not in repr(settings(monkeypatch, service_key="k" * 16))


@pytest.mark.parametrize(
    ("address", "parts", "loopback"),
    [
        ("127.0.0.1:7101", ("127.0.0.1", 7101), True),
        ("127.8.0.1:1", ("127.8.0.1", 1), True),
        ("localhost:0", ("localhost", 0), True),
        ("[::1]:7101", ("::1", 7101), True),
        ("[::]:7101", ("::", 7101), False),
        ("db.example.org:65535", ("db.example.org", 65535), False),
    ],
)
def test_addresses(address: str, parts: tuple[str, int], *, loopback: bool) -> None:
    assert split_address(address) == parts
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("postgresql://u:p@db:5432", "postgresql://u:p@db:5432/groupbuy_pricing"),
        ("postgresql://db/ignored?sslmode=require", "postgresql://db/groupbuy_pricing?sslmode=require"),
        ("postgresql:///?host=/run/postgresql", "postgresql:///groupbuy_pricing?host=/run/postgresql"),
    ],
)
def test_each_service_has_its_database_on_the_server(server: str, url: str) -> None:
    assert database_url(server, "pricing") == url


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"listen_tls": "on"}, "GROUPBUY_LISTEN_TLS=on needs GROUPBUY_TLS_CERTIFICATE and GROUPBUY_TLS_KEY"),
        ({"tls_key": "k.pem"}, "GROUPBUY_TLS_CERTIFICATE and GROUPBUY_TLS_KEY go together; set both or neither"),
        ({"tls_server_ca": "/no/ca.pem"}, "a file of TLS cannot be used: [Errno 2] No such file"),
        (
            {"kafka_ca": "ca.pem"},
            "GROUPBUY_KAFKA_CA and GROUPBUY_KAFKA_CERTIFICATE have no use",
        ),
        ({"kafka_user": "me"}, "GROUPBUY_KAFKA_USER and GROUPBUY_KAFKA_PASSWORD go together; set both or neither"),
        ({"traces_key": "k.pem"}, "GROUPBUY_TRACES_CERTIFICATE and GROUPBUY_TRACES_KEY go together; set both or"),
        ({"traces_ca": "ca.pem"}, "GROUPBUY_TRACES_CA and GROUPBUY_TRACES_CERTIFICATE have no use without"),
        ({"traces_tls": "on", "traces_ca": "/no/ca.pem"}, "a file of TLS cannot be used: [Errno 2] No such file"),
        ({"kafka_mechanism": "GSSAPI"}, "GROUPBUY_KAFKA_MECHANISM input should be 'PLAIN', 'SCRAM-SHA-256' or"),
    ],
)
def test_tls_that_is_not_whole_is_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SettingsError) as wrong:
        settings(monkeypatch, **changes)
    assert str(wrong.value).startswith(complaint)


def test_tls_needs_the_authorities_of_callers_where_it_is_mutual(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = Authority("ours").write(tmp_path, "server")
    pair = {"tls_certificate": files.certificate, "tls_key": files.key}
    with pytest.raises(SettingsError, match="GROUPBUY_OPS_TLS=mutual needs GROUPBUY_TLS_CLIENT_CA"):
        settings(monkeypatch, **pair, ops_tls="mutual")
    found = settings(monkeypatch, **pair, ops_tls="on", listen_tls="mutual", tls_client_ca=files.authorities)
    ops, listen = found.listening(found.ops_tls), found.listening(found.listen_tls)
    assert ops == Listening(files._replace(authorities=""))
    assert listen == Listening(files)
    assert found.calling is None
    assert found.kafka_security() is PLAINTEXT

"""The keys that sign hand-over tokens, as team_formation reads them from its environment."""

import pytest

from services.chassis.settings import SettingsError, load
from services.team_formation.settings import Settings
from tests.support.quoting import FIRST, SECOND

NEEDED = {
    "GROUPBUY_DATABASE_URL": "postgresql://localhost",
    "GROUPBUY_KAFKA": "localhost:9092",
    "GROUPBUY_LISTEN": "127.0.0.1:1",
    "GROUPBUY_OPS_LISTEN": "127.0.0.1:2",
    "GROUPBUY_PRICING": "127.0.0.1:3",
    "GROUPBUY_INVITE_SECRET": "x",
}


def read(monkeypatch: pytest.MonkeyPatch, keys: str) -> Settings:
    for name, value in {**NEEDED, "GROUPBUY_HANDOVER_KEYS": keys}.items():
        monkeypatch.setenv(name, value)
    return load(Settings)


def test_the_first_key_signs_and_all_are_published(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = read(monkeypatch, f"{SECOND},{FIRST}").handover_ring
    assert ring
    assert ring.first[0] == "two"
    assert [key_id for key_id, _ in ring.public_keys()] == ["two", "one"]


def test_links_lead_to_members_only_once_it_is_said_where(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read(monkeypatch, "").has_public_url
    for url, leads in (("", False), ("https://shop.example", True), ("http://127.0.0.1:7180", True)):
        monkeypatch.setenv("GROUPBUY_PUBLIC_URL", url)
        assert read(monkeypatch, "").has_public_url is leads


def test_no_key_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, "").handover_ring is None


def test_a_damaged_key_is_named_but_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as raised:
        read(monkeypatch, f"{FIRST},three:secretsecret")
    assert "GROUPBUY_HANDOVER_KEYS" in str(raised.value)
    assert "key 2" in str(raised.value)
    assert "secretsecret" not in str(raised.value)


def test_keys_are_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, FIRST)
    assert FIRST not in f"{settings!r}{settings!s}"

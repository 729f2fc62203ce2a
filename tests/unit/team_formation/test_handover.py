"""Hand-over tokens: what is handed over is read again by its platform and in its time, and no forgery is."""

import hmac
import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import ids
from services.team_formation.domain import Refusal
from services.team_formation.handover import (
    LEEWAY,
    LIFETIME,
    MOST_CHARACTERS,
    TYPE,
    Handover,
    HandoverTokens,
    NoHandoverKeyError,
    Verified,
)
from tests.support.formation import OTHER_PLATFORM, PLATFORM, PUBLIC_URL, START
from tests.support.handing_over import a_handover, changed, put_together, taken_apart, tokens
from tests.support.quoting import FIRST, SECOND, ring

OURS = tokens()
SECOND_LATER = timedelta(seconds=1)
NOT_OURS = Refusal("HANDOVER_INVALID", {"why": "it was not signed here for this platform"})


def minted(handover: Handover | None = None) -> str:
    return OURS.mint(PLATFORM, handover or a_handover(), START)


def read(token: str, tokens: HandoverTokens = OURS) -> Verified | Refusal:
    return tokens.read(token, PLATFORM, START)


def by(key: str) -> Callable[[bytes], bytes]:
    """Sign as the owner of a key does."""
    return ring(key).first[1].sign


def why(token: str) -> str:
    """Tell why a token is invalid."""
    found = read(token)
    assert isinstance(found, Refusal)
    assert found.reason == "HANDOVER_INVALID"
    return found.metadata["why"]


TOKEN = minted()


def test_what_is_minted_is_read_again() -> None:
    found = read(TOKEN)
    assert isinstance(found, Verified)
    assert found.handover == a_handover()
    assert (found.issued_at, found.expires_at) == (START, START + LIFETIME)
    assert len(found.token_id) == 22


def test_a_token_has_these_claims_and_no_others() -> None:
    """A platform's own code reads them; a member or anything of a person is not among them."""
    header, claims = taken_apart(TOKEN)
    assert header == {"alg": "EdDSA", "kid": "one", "typ": "groupbuy-handover+jwt"}
    assert claims == {
        "iss": "https://shop.example",
        "aud": ids.opaque("plat", PLATFORM),
        "jti": claims["jti"],
        "iat": int(START.timestamp()),
        "exp": int(START.timestamp()) + 900,
        "campaign_id": a_handover().campaign_id,
        "team_id": a_handover().team_id,
        "invite_code": "7sGk2mPq9XaB",
        "sku": "mango",
        "return_url": "https://shop.example/i/7sGk2mPq9XaB",
    }


def test_each_token_has_an_id_of_its_own() -> None:
    ids_seen = {taken_apart(minted())[1]["jti"] for _ in range(100)}
    assert len(ids_seen) == 100


def test_times_are_whole_seconds_whatever_the_clock_says() -> None:
    token = OURS.mint(PLATFORM, a_handover(), START + timedelta(microseconds=999_999))
    assert taken_apart(token)[1]["iat"] == int(START.timestamp())


@given(st.text(st.characters(codec="utf-8"), max_size=64), st.text(st.characters(codec="utf-8"), max_size=64))
def test_text_of_any_kind_comes_back_as_it_went(sku: str, address: str) -> None:
    wanted = a_handover(sku=sku, return_url=address)
    found = read(minted(wanted))
    assert isinstance(found, Verified)
    assert found.handover == wanted


def test_the_longest_that_is_minted_is_read() -> None:
    longest = next(
        token for size in range(MOST_CHARACTERS, 0, -1) if (token := _minted_or_none(a_handover(return_url="x" * size)))
    )
    assert MOST_CHARACTERS - 4 < len(longest) <= MOST_CHARACTERS
    assert isinstance(read(longest), Verified)


def _minted_or_none(handover: Handover) -> str | None:
    try:
        return minted(handover)
    except ValueError:
        return None


def test_a_token_is_good_until_its_time_runs_out() -> None:
    last, first = START + LIFETIME - timedelta(microseconds=1), START + LIFETIME
    assert isinstance(OURS.read(TOKEN, PLATFORM, last), Verified)
    assert OURS.read(TOKEN, PLATFORM, first) == Refusal("HANDOVER_EXPIRED", {"expires_at": "2026-11-21T12:15:00Z"})


def test_a_clock_that_is_a_little_behind_is_no_harm_and_one_that_is_far_behind_is() -> None:
    assert isinstance(OURS.read(TOKEN, PLATFORM, START - LEEWAY), Verified)
    found = OURS.read(TOKEN, PLATFORM, START - LEEWAY - SECOND_LATER)
    assert found == Refusal("HANDOVER_INVALID", {"why": "it was issued in the future"})


def test_a_test_platform_s_time_may_be_years_ahead_of_the_machine_s() -> None:
    ahead = START.replace(year=2100)
    token = OURS.mint(PLATFORM, a_handover(), ahead)
    assert isinstance(OURS.read(token, PLATFORM, ahead), Verified)


def test_another_platform_s_token_looks_like_a_forged_one_whatever_its_time() -> None:
    forged = changed(TOKEN, by(SECOND), {})
    for now in (START - timedelta(days=1), START, START + timedelta(days=1)):
        assert OURS.read(TOKEN, OTHER_PLATFORM, now) == OURS.read(forged, OTHER_PLATFORM, now) == NOT_OURS


def test_no_bit_of_a_token_can_be_flipped() -> None:
    """Every bit of every character: of header, claims, signature and both dots."""
    taken = [
        (place, bit)
        for place in range(len(TOKEN))
        for bit in range(8)
        if not isinstance(read(flipped(TOKEN, place, bit)), Refusal)
    ]
    assert taken == []


def flipped(token: str, place: int, bit: int) -> str:
    return token[:place] + chr(ord(token[place]) ^ 1 << bit) + token[place + 1 :]


def test_no_part_of_a_token_is_one() -> None:
    assert not [size for size in range(len(TOKEN)) if isinstance(read(TOKEN[:size]), Verified)]
    assert not [size for size in range(1, len(TOKEN)) if isinstance(read(TOKEN[size:]), Verified)]


@pytest.mark.parametrize("more", ["=", "==", "A", ".", "\n", " ", "\0", "ä", "\ud800", ".e30.AAAA"])
def test_nothing_stands_before_or_behind_a_token(more: str) -> None:
    """Else one token could be written in two ways, and a list of those seen would not know the second."""
    assert isinstance(read(TOKEN + more), Refusal)
    assert isinstance(read(more + TOKEN), Refusal)


WELL_FORMED = st.from_regex(r"[A-Za-z0-9_-]{0,200}\.[A-Za-z0-9_-]{0,200}\.[A-Za-z0-9_-]{86}", fullmatch=True)


@given(st.text(max_size=400) | WELL_FORMED)
def test_text_of_any_kind_is_refused_quietly(text: str) -> None:
    assert isinstance(read(text), Refusal)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HEADER = st.fixed_dictionaries(
    {"typ": st.just(TYPE) | JSON, "alg": st.just("EdDSA") | JSON, "kid": st.just("one") | JSON},
    optional={"crit": JSON, "b64": JSON, "jwk": JSON, "zip": JSON},
)


@given(JSON | HEADER, JSON)
def test_json_of_any_kind_is_refused_quietly_even_if_it_were_signed(header: object, claims: object) -> None:
    assert isinstance(read(put_together(header, claims, by(FIRST))), Refusal)


@given(st.data())
def test_a_claim_of_another_kind_is_refused_quietly(data: st.DataObject) -> None:
    """A key of ours signs it: what a newer release may write must not break the older one beside it."""
    name = data.draw(st.sampled_from(["iss", "aud", "jti", "iat", "exp", *Handover.__slots__]))
    kind = int if name in {"iat", "exp"} else str
    value = data.draw(JSON.filter(lambda value: type(value) is not kind))
    assert isinstance(read(changed(TOKEN, by(FIRST), {}, **{name: value})), Refusal)


@pytest.mark.parametrize("name", ["iss", "aud", "jti", "iat", "exp", *Handover.__slots__])
def test_a_claim_that_is_missing_is_missed(name: str) -> None:
    assert isinstance(read(changed(TOKEN, by(FIRST), {}, **{name: None})), Refusal)


@pytest.mark.parametrize("name", ["iat", "exp"])
@pytest.mark.parametrize("at", [-1, 253_402_300_800, 2**63, 10**400, True, 1.5, 2e9, float("nan"), "1795262400"])
def test_a_time_that_is_none_is_refused_quietly(name: str, at: object) -> None:
    assert why(changed(TOKEN, by(FIRST), {}, **{name: at})) == "it does not say what a hand-over says"


def test_what_a_reader_does_not_know_it_leaves_aside() -> None:
    assert read(changed(TOKEN, by(FIRST), {"x": 1}, quantity=3, nbf=4_000_000_000)) == read(TOKEN)


@pytest.mark.parametrize("typ", [None, "", "JWT", "at+jwt", TYPE.upper(), [TYPE], f"application/{TYPE}"])
def test_a_token_of_another_type_is_refused_though_we_signed_it(typ: object) -> None:
    assert why(changed(TOKEN, by(FIRST), {"typ": typ})) == f"its typ is not {TYPE}"


@pytest.mark.parametrize("kid", [None, "", "two", "ONE", "../one"])
def test_a_key_that_is_not_published_signs_nothing(kid: str | None) -> None:
    for key in (FIRST, SECOND):
        assert why(changed(TOKEN, by(key), {"kid": kid})) == "its key is not, or no longer, published here"


def test_another_key_under_the_name_of_ours_signs_nothing() -> None:
    assert read(changed(TOKEN, by(SECOND), {})) == NOT_OURS
    jwk = json.loads(tokens(SECOND).jwks())["keys"][0]
    assert read(changed(TOKEN, by(SECOND), {"jwk": {**jwk, "kid": "one"}, "jku": "https://evil.example"})) == NOT_OURS


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None])
@pytest.mark.parametrize("signature", [b"", bytes(64)])
def test_a_token_that_is_not_signed_is_refused(alg: str | None, signature: bytes) -> None:
    assert isinstance(read(changed(TOKEN, lambda _: signature, {"alg": alg})), Refusal)


def public_key_as_secret() -> list[bytes]:
    """Every way in which a reader may have a public key: as bytes, as in the key set, as DER and PEM."""
    [jwk] = json.loads(OURS.jwks())["keys"]
    raw = urlsafe_b64decode(jwk["x"] + "=")
    key = Ed25519PublicKey.from_public_bytes(raw)
    forms = [key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo) for encoding in (Encoding.DER, Encoding.PEM)]
    return [raw, jwk["x"].encode(), json.dumps(jwk).encode(), OURS.jwks(), *forms]


@pytest.mark.parametrize("secret", public_key_as_secret())
@pytest.mark.parametrize(("alg", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
def test_the_public_key_is_no_secret_to_sign_with(secret: bytes, alg: str, digest: str) -> None:
    """A signature of HS512 is as long as one of Ed25519, so that the form alone does not give it away."""
    for kid in ("one", None):
        token = changed(TOKEN, lambda signed: hmac.digest(secret, signed, digest), {"alg": alg, "kid": kid})
        assert isinstance(read(token), Refusal)


@pytest.mark.parametrize("alg", ["Ed25519", "Ed448", "ES256", "RS256", "HS512", "eddsa"])
def test_the_algorithm_is_ours_to_say_and_not_the_token_s(alg: str) -> None:
    assert read(changed(TOKEN, by(FIRST), {"alg": alg})) == NOT_OURS


def test_the_signature_of_one_token_does_not_fit_another() -> None:
    head, _, signature = minted(a_handover(sku="pear")).split(".")
    assert read(f"{head}.{TOKEN.split('.')[1]}.{signature}") == NOT_OURS


def test_one_of_another_installation_is_not_ours() -> None:
    theirs = HandoverTokens(ring(), "https://other.example").mint(PLATFORM, a_handover(), START)
    assert read(theirs) == NOT_OURS


@pytest.mark.parametrize("audience", ["", [ids.opaque("plat", PLATFORM)], [ids.opaque("plat", PLATFORM), "x"], {}])
def test_an_audience_is_one_platform(audience: object) -> None:
    assert read(changed(TOKEN, by(FIRST), {}, aud=audience)) == NOT_OURS


def test_a_huge_token_is_refused_before_it_is_looked_at() -> None:
    assert why(changed(TOKEN, by(FIRST), {}, more="x" * 2_000)) == "it has more than 2,048 characters"
    assert why("A" * 10_000_000) == "it has more than 2,048 characters"


def test_deep_claims_are_refused_quietly() -> None:
    deep = "[" * 900 + "]" * 900
    head = TOKEN.split(".")[0]
    signed = f"{head}.{_b64(deep.encode())}"
    assert isinstance(read(f"{signed}.{_b64(by(FIRST)(signed.encode()))}"), Refusal)


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_slash_behind_the_public_address_is_no_part_of_the_issuer() -> None:
    token = HandoverTokens(ring(), f"{PUBLIC_URL}/").mint(PLATFORM, a_handover(), START)
    assert taken_apart(token)[1]["iss"] == PUBLIC_URL
    assert isinstance(read(token), Verified)


def test_keys_change_without_a_gap() -> None:
    """Publish the new one behind the old one, move it to the front, take the old one out."""
    steps = [tokens(FIRST), tokens(FIRST, SECOND), tokens(SECOND, FIRST), tokens(SECOND)]
    for before, after in pairwise(steps):
        # while replicas are restarted, what one of them minted comes to the other
        for one, another in ((before, after), (after, before)):
            assert isinstance(read(one.mint(PLATFORM, a_handover(), START), another), Verified)
    assert isinstance(read(steps[0].mint(PLATFORM, a_handover(), START), steps[-1]), Refusal)


def test_without_a_key_nothing_is_minted_and_everybody_is_told_why() -> None:
    none = HandoverTokens(None, PUBLIC_URL)
    assert OURS.can_mint
    assert not none.can_mint
    assert none.jwks() == b'{"keys":[]}'
    with pytest.raises(NoHandoverKeyError, match="GROUPBUY_HANDOVER_KEYS"):
        none.mint(PLATFORM, a_handover(), START)
    found = read(TOKEN, none)
    assert isinstance(found, Refusal)
    assert "GROUPBUY_HANDOVER_KEYS" in found.metadata["why"]


def test_the_key_set_has_the_public_halves_and_nothing_else() -> None:
    """RFC 8037, appendix A.2, with the seed and the key of RFC 8032, section 7.1, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    written = f"rfc:{b64encode(seed).decode()}"
    document = json.loads(tokens(written, FIRST).jwks())
    assert [key["kid"] for key in document["keys"]] == ["rfc", "one"]
    assert document["keys"][0] == {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": "rfc",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    assert _b64(seed) not in tokens(written).jwks().decode()

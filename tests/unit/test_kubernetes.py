"""What could be wrong in the cluster test without anybody noticing: names, images, bad manifests, counts, clearing."""

import io
import json
import struct
import tarfile
from collections import Counter
from pathlib import Path

import grpc
import pytest

from tests.kubernetes import borrowed, certificates, machine, names, programs
from tests.kubernetes.calling import Caller, Count, Policy, Way
from tests.kubernetes.errors import CannotRunError, FoundError
from tests.kubernetes.scenes import manifests
from tests.kubernetes.verdict import Told

SERVICES = [
    {"metadata": {"name": "pricing", "namespace": "groupbuy"}, "spec": {"clusterIP": "10.96.0.7"}},
    {"metadata": {"name": "pods", "namespace": "groupbuy"}, "spec": {"clusterIP": "None"}},
]
SLICES = [
    {
        "metadata": {"namespace": "groupbuy", "labels": {"kubernetes.io/service-name": "pods"}},
        "endpoints": [
            {"addresses": ["10.244.1.2"], "conditions": {"ready": True}},
            {"addresses": ["10.244.0.9"], "conditions": {"ready": True}},
            {"addresses": ["10.244.0.3"], "conditions": {"ready": False, "serving": True, "terminating": True}},
        ],
    }
]
PORTS = [{"name": "grpc", "containerPort": 7100}]
DEPLOYMENT = {
    "kind": "Deployment",
    "spec": {
        "selector": {"matchLabels": {"name": "pricing"}},
        "template": {
            "metadata": {"labels": {"name": "pricing"}},
            "spec": {"containers": [{"name": "groupbuy", "ports": PORTS, "readinessProbe": {"periodSeconds": 1}}]},
        },
    },
}
BUDGET = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}


def question(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def test_a_headless_service_has_the_addresses_of_its_ready_pods_and_others_their_own() -> None:
    assert names.addresses(SERVICES, SLICES) == {
        "pricing.groupbuy.svc.cluster.local": ["10.96.0.7"],
        "pods.groupbuy.svc.cluster.local": ["10.244.0.9", "10.244.1.2"],
    }


def test_a_name_is_answered_with_its_addresses() -> None:
    known = names.addresses(SERVICES, SLICES)
    asked = question("Pods.groupbuy.svc.cluster.local")
    answer = names.reply(asked, known)
    assert struct.unpack_from("!6H", answer) == (77, 0x8500, 1, 2, 0, 0)
    assert answer[12 : len(asked)] == asked[12:]
    assert answer.endswith(bytes([10, 244, 1, 2]))
    assert len(answer) == len(asked) + 2 * 16


@pytest.mark.parametrize(
    ("name", "kind", "is_known", "outcome"),
    [
        ("pricing.groupbuy.svc.cluster.local", 28, True, 0),  # AAAA: there is the name, and no such address
        ("pricing.svc.cluster.local", 1, True, 3),
        ("pricing.groupbuy.svc.cluster.local", 1, False, 2),
    ],
)
def test_what_has_no_address_is_said_to_be_so(name: str, kind: int, is_known: bool, outcome: int) -> None:  # noqa: FBT001
    answer = names.reply(question(name, kind), names.addresses(SERVICES, SLICES) if is_known else None)
    _, flags, _, answers, _, _ = struct.unpack_from("!6H", answer)
    assert (flags & 15, answers) == (outcome, 0)


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 11, question("a")[:-3], b"\0" * 12 + b"\x09abc"])
def test_what_is_no_question_is_not_answered(rubbish: bytes) -> None:
    assert names.reply(rubbish, {}) == b""


def test_an_image_says_which_layer_it_is_made_of() -> None:
    packed = programs.docker_archive("localhost/a:1", "/pause", b"a program")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        [manifest] = json.load(archive.extractfile("manifest.json") or io.BytesIO())
        layer = archive.extractfile(manifest["Layers"][0])
        assert layer is not None
        with tarfile.open(fileobj=layer) as inner:
            [entry] = inner.getmembers()
            assert (entry.name, entry.mode, entry.size) == ("pause", 0o755, len(b"a program"))
    assert manifest["RepoTags"] == ["localhost/a:1"]


def test_the_version_is_the_one_that_is_built() -> None:
    assert programs.version().startswith("v1.")


def test_certificates_are_signed_by_the_authority_that_is_written_beside_them(tmp_path: Path) -> None:
    certificates.write(tmp_path)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {
        *("ca.crt", "server.crt", "server.key", "admin.crt", "admin.key", "accounts.key", "accounts.pub"),
    }
    assert all((tmp_path / f"{name}.key").stat().st_mode & 0o077 == 0 for name in ("server", "admin", "accounts"))


def test_each_bad_manifest_differs_from_the_good_one_and_has_words_that_are_looked_for() -> None:
    good: list[manifests.Document] = [DEPLOYMENT, BUDGET]
    variants = manifests.bad(good)
    assert set(variants) == set(manifests.EXPECTED)
    assert all(variant not in good for variant in variants.values())
    assert DEPLOYMENT["spec"]["template"]["metadata"]["labels"] == {"name": "pricing"}  # type: ignore[index]


def test_the_policy_in_the_open_is_the_published_one() -> None:
    policy = Policy.read()
    assert (policy.attempts, policy.first, policy.most, policy.factor) == (5, 0.2, 2.0, 2)
    assert policy.codes == {"UNAVAILABLE", "CANCELLED"}
    assert 0.16 <= policy.pause(1) <= 0.24
    assert 1.6 <= policy.pause(9) <= 2.4


class Stub:
    """Fails as often as it is told, then answers."""

    def __init__(self, *codes: grpc.StatusCode) -> None:
        self.codes = list(codes)

    def __call__(self, _channel: object) -> "Stub":
        return self

    async def Call(self, _request: object, **_options: object) -> str:  # noqa: N802 - a method as stubs have it
        if not self.codes:
            return "answer"
        raise grpc.aio.AioRpcError(self.codes.pop(0), grpc.aio.Metadata(), grpc.aio.Metadata(), details="no")


async def called(stub: Stub) -> tuple[object, Count]:
    caller = Caller(Way.OPEN, {"pricing": "127.0.0.1:1"}, "key")
    caller._policy = Policy(3, 0.001, 0.001, 1, frozenset({"UNAVAILABLE"}))
    answer = await caller.call("pricing", stub, "Call", object())
    await caller.close()
    return answer, caller.count


async def test_a_call_that_is_sent_again_is_counted_and_did_not_fail() -> None:
    answer, count = await called(Stub(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE))
    assert answer == "answer"
    assert (count.calls, dict(count.again), count.failed) == (1, {"UNAVAILABLE": 2}, [])


async def test_a_call_without_an_answer_by_the_policys_end_has_failed() -> None:
    answer, count = await called(Stub(*[grpc.StatusCode.UNAVAILABLE] * 3))
    assert answer is None
    assert len(count.failed) == 1
    assert dict(count.again) == {"UNAVAILABLE": 2}


async def test_what_the_policy_does_not_send_again_has_failed_at_once_and_a_refusal_has_not() -> None:
    _, cut_off = await called(Stub(grpc.StatusCode.UNKNOWN))
    assert len(cut_off.failed) == 1
    _, refused = await called(Stub(grpc.StatusCode.NOT_FOUND))
    assert (refused.failed, dict(refused.refused)) == ([], {"Call NOT_FOUND": 1})


def test_a_verdict_counts_what_came_since_and_is_broken_by_a_failure_or_a_strange_refusal() -> None:
    before = Count(10, Counter({"GetPrice NOT_FOUND": 1}), Counter({"UNAVAILABLE": 2}), ["old"])
    after = Count(15, Counter({"GetPrice NOT_FOUND": 3}), Counter({"UNAVAILABLE": 3}), ["old"])
    told = Told()
    told.read({Way.OPEN: after.less(before)})
    assert (told.calls, told.again, told.failed) == (5, Counter({"UNAVAILABLE": 1}), [])
    told.keep("it")
    after.failed.append("new")
    broken = Told()
    broken.read({Way.OPEN: after.less(before)})
    with pytest.raises(FoundError, match="new"):
        broken.keep("it")
    strange = Told()
    strange.read({Way.OPEN: Count(1, Counter({"JoinTeam NOT_FOUND": 1}))})
    with pytest.raises(FoundError, match="JoinTeam NOT_FOUND"):
        strange.keep("it")


def test_a_machine_that_cannot_is_told_all_of_it_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.kubernetes.machine.shutil.which", lambda _name: None)
    monkeypatch.setattr("tests.kubernetes.machine.os.geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "PLUGINS", tmp_path)
    monkeypatch.setattr(machine, "available", lambda: "Apache Kafka cannot run: there is no Java.")
    with pytest.raises(CannotRunError) as told:
        machine.check(tmp_path / "lab")
    said = str(told.value)
    assert all(word in said for word in ("root", "containerd", "containernetworking-plugins", "Go", "Java"))


def test_giving_back_what_was_never_borrowed_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(borrowed, "CGROUPS", tmp_path / "cgroups")
    monkeypatch.setattr(borrowed, "_RESULTS", tmp_path / "results")
    monkeypatch.setattr(borrowed, "_NETWORKS", tmp_path / "netns")
    kept = tmp_path / "kept"
    kept.mkdir()
    borrowed.give_back(tmp_path / "run")
    assert kept.exists()


def test_settings_of_the_kernel_are_put_back_and_no_others_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel = tmp_path / "sys"
    kernel.mkdir()
    (kernel / "changed").write_text("1\n")
    run = tmp_path / "run"
    run.mkdir()
    (run / "before.json").write_text(json.dumps({"kernel": {"changed": "0"}, "made": [str(tmp_path / "made")]}))
    (tmp_path / "made").mkdir()
    monkeypatch.setattr(borrowed, "_kernel", lambda key: kernel / key)
    borrowed._put_back(run)
    assert (kernel / "changed").read_text() == "0"
    assert not (tmp_path / "made").exists()

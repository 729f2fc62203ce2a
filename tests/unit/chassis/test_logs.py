"""Logs: one JSON object a line with the trace id, readable lines on request, libraries in the same form."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import logging, sys
from services.chassis import logs, trace
logs.configure("pricing", *sys.argv[1:])
log = logs.logger("here")
trace.enter("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
log.debug("small")
log.info("told", count=3)
logging.getLogger("library").warning("of a library")
logging.getLogger("kafka.client").error("connection refused, again")
try:
    raise KeyError("inside")
except KeyError:
    log.exception("failed")
"""


def written(form: str, level: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, form, level],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_is_one_object_a_line_with_service_and_trace() -> None:
    lines = [json.loads(line) for line in written("json", "info")]
    assert [line["event"] for line in lines] == ["told", "of a library", "failed"]
    assert {line["service"] for line in lines} == {"pricing"}
    assert {line["trace_id"] for line in lines} == {"0123456789abcdef0123456789abcdef"}
    assert {line["span_id"] for line in lines} == {"0123456789abcdef"}
    assert (lines[0]["count"], lines[0]["level"], lines[2]["level"]) == (3, "info", "error")
    assert lines[0]["timestamp"].endswith("Z")
    assert "KeyError" in lines[2]["exception"]


def test_text_is_for_people() -> None:
    lines = written("text", "info")
    assert any("told" in line and "count=3" in line for line in lines)
    assert any("KeyError" in line for line in lines)
    assert not lines[0].startswith("{")


def test_less_than_the_level_is_not_written() -> None:
    assert "small" in written("json", "debug")[0]
    assert [json.loads(line)["event"] for line in written("json", "error")] == ["failed"]

"""Traces as a part of a process: spans reach a receiver over TLS too, the last ones at its end, and say who speaks."""

from pathlib import Path

import pytest

from deploy.traces import Receiver
from services.chassis import spans, trace
from services.chassis.span_export import Traces
from services.chassis.tls import Listening
from services.chassis.trace_settings import TraceSettings
from tests.support.authority import Authority

MINE = trace.new_traceparent(trace.RECORDED)


@pytest.mark.parametrize("tls", ["off", "on"])
async def test_spans_reach_a_receiver_before_the_process_ends(tmp_path: Path, tls: str) -> None:
    files = Authority("one").write(tmp_path, "here")
    receiver = Receiver()
    credentials = Listening(files).credentials() if tls == "on" else None
    port = await receiver.start("127.0.0.1:0", credentials)
    shown = {"traces_ca": files.authorities, "traces_certificate": files.certificate, "traces_key": files.key}
    chosen = {"traces_endpoint": f"127.0.0.1:{port}", "traces_tls": tls, "environment": "test"}
    settings = TraceSettings.model_validate(chosen | (shown if credentials else {}))
    traces = Traces("pricing", settings)
    await traces.start()
    with spans.under("work", parent=MINE):
        pass
    await traces.stop()
    with spans.under("later", parent=MINE):
        pass
    await receiver.stop()
    [hop] = receiver.traces[MINE[3:35]]
    assert (hop.name, hop.parent_id, hop.service) == ("work", MINE[36:52], "pricing")
    assert hop.resource["deployment.environment.name"] == "test"
    assert hop.resource["service.instance.id"]

"""Pages begin traces of their own, named by their routes: neither codes nor a stranger's trace are in them."""

from services.chassis import trace
from tests.support.formation import Formation
from tests.support.recording import parent_of, recording
from tests.support.web import a_shown_campaign, a_web_edge, an_invite


async def test_a_page_is_named_by_its_route_and_hears_no_strangers_trace(formation: Formation) -> None:
    opened = await formation.open(await formation.create(a_shown_campaign()))
    code = await an_invite(formation, opened.team.team_id)
    theirs = trace.new_traceparent(trace.RECORDED)
    async with a_web_edge(formation) as visitor:
        with recording() as recorded:
            assert (await visitor.get(f"/i/{code}", traceparent=theirs)).status == 200
            assert (await visitor.get("/nowhere")).status == 404
        with recording(ratio=0) as silent:
            assert (await visitor.get(f"/i/{code}", traceparent=theirs)).status == 200
    page = recorded.one("GET /i/{code}")
    assert page.attributes == {
        "http.request.method": "GET",
        "http.route": "/i/{code}",
        "http.response.status_code": 200,
    }
    assert parent_of(page) == ""
    assert (recorded.one("GET").attributes or {})["http.response.status_code"] == 404
    assert [span.name for span in recorded.spans if code in f"{span.name} {span.attributes}"] == []
    assert silent.names == []

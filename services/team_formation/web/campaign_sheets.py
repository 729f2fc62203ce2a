"""Pages of campaigns and screens as bytes, each made once per version, language and look."""

from typing import TypeAlias

from services.team_formation.web.answers import HTML, JSON, Body, body_of
from services.team_formation.web.campaign_view import campaign_view
from services.team_formation.web.campaign_visits import CampaignVisit
from services.team_formation.web.latest import Latest
from services.team_formation.web.pages import Assets, Pages, as_json
from services.team_formation.web.screen_view import screen_view
from services.team_formation.web.words import Words

_MOST = 1_000
"""Of bodies and of events that are kept; a body takes about 25 KB with its packed form."""

Key: TypeAlias = tuple[str, str, str, str]


class CampaignSheets:
    """Makes pages of campaigns, and keeps those that are asked for."""

    def __init__(self, pages: Pages, assets: Assets) -> None:
        self._pages = pages
        self._assets = assets
        self._bodies: Latest[Key, Body] = Latest(_MOST)
        self._events: Latest[Key, bytes] = Latest(_MOST)

    def html(self, visit: CampaignVisit, words: Words, title_language: str) -> Body:
        """Give the page."""

        def make() -> Body:
            view = campaign_view(visit, words, title_language)
            script = self._pages.script(visit.base)
            return body_of(HTML, self._pages.filled("campaign.html", words, view=view, script=script))

        return self._bodies.of(_key("page", visit, words, title_language), visit.version, make)

    def json(self, visit: CampaignVisit, words: Words, title_language: str) -> Body:
        """Give all that the page says, as JSON."""

        def make() -> Body:
            return body_of(JSON, as_json(campaign_view(visit, words, title_language)))

        return self._bodies.of(_key("json", visit, words, title_language), visit.version, make)

    def event(self, visit: CampaignVisit, words: Words, title_language: str) -> bytes:
        """Give the page as an event of a stream."""

        def make() -> bytes:
            return self._pages.as_event(self.html(visit, words, title_language).plain, visit.version)

        return self._events.of(_key("page", visit, words, title_language), visit.version, make)

    def screen(self, visit: CampaignVisit, words: Words, title_language: str, *, clear: bool) -> Body:
        """Give the screen; clear where what is behind it is to be seen."""

        def make() -> Body:
            view = screen_view(campaign_view(visit, words, title_language), words)
            filled = self._pages.filled(
                "screen.html",
                words,
                view=view,
                page=view.page,
                clear=clear,
                style=self._assets.screen_style,
                script=self._pages.script(visit.base),
                screen_script=f"{visit.base}/static/{self._assets.screen_script_name}",
            )
            return body_of(HTML, filled)

        return self._bodies.of(_key(f"screen {clear}", visit, words, title_language), visit.version, make)

    def screen_event(self, visit: CampaignVisit, words: Words, title_language: str) -> bytes:
        """Give the screen as an event of a stream; its parts are the same with any background."""

        def make() -> bytes:
            screen = self.screen(visit, words, title_language, clear=False)
            return self._pages.as_event(screen.plain, visit.version)

        return self._events.of(_key("screen", visit, words, title_language), visit.version, make)


def _key(kind: str, visit: CampaignVisit, words: Words, title_language: str) -> Key:
    return kind, visit.code, words.language, title_language

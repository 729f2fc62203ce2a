"""Pages of campaigns and screens as bytes, each made once per version, language and look."""

from collections.abc import Callable
from typing import TypeAlias

from services.team_formation.web.answers import HTML, JSON, Body, body_of
from services.team_formation.web.campaign_view import campaign_view
from services.team_formation.web.campaign_visits import CampaignVisit
from services.team_formation.web.pages import EVENTS, Assets, Pages, as_json
from services.team_formation.web.screen_view import screen_view
from services.team_formation.web.words import Words

_MOST = 1_000
"""Bodies kept; one takes about 25 KB with its packed form."""

Key: TypeAlias = tuple[str, str, str, str]


class CampaignSheets:
    """Makes pages of campaigns, and keeps those that are asked for."""

    def __init__(self, pages: Pages, assets: Assets) -> None:
        self._pages = pages
        self._assets = assets
        self._kept: dict[Key, tuple[str, Body]] = {}

    def html(self, visit: CampaignVisit, words: Words, title_language: str) -> Body:
        """Give the page."""

        def make() -> Body:
            view = campaign_view(visit, words, title_language)
            script = self._pages.script(visit.base)
            return body_of(HTML, self._pages.filled("campaign.html", words, view=view, script=script))

        return self._made("page", visit, words, title_language, make)

    def json(self, visit: CampaignVisit, words: Words, title_language: str) -> Body:
        """Give all that the page says, as JSON."""

        def make() -> Body:
            return body_of(JSON, as_json(campaign_view(visit, words, title_language)))

        return self._made("json", visit, words, title_language, make)

    def event(self, visit: CampaignVisit, words: Words, title_language: str) -> Body:
        """Give the page as an event of a stream."""

        def make() -> Body:
            page = self.html(visit, words, title_language).plain
            return body_of(EVENTS, self._pages.as_event(page, visit.version))

        return self._made("event", visit, words, title_language, make)

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

        return self._made(f"screen {clear}", visit, words, title_language, make)

    def screen_event(self, visit: CampaignVisit, words: Words, title_language: str) -> Body:
        """Give the screen as an event of a stream; its parts are the same with any background."""

        def make() -> Body:
            page = self.screen(visit, words, title_language, clear=False).plain
            return body_of(EVENTS, self._pages.as_event(page, visit.version))

        return self._made("screen event", visit, words, title_language, make)

    def _made(
        self, kind: str, visit: CampaignVisit, words: Words, title_language: str, make: Callable[[], Body]
    ) -> Body:
        key = kind, visit.code, words.language, title_language
        kept = self._kept.get(key)
        if kept and kept[0] == visit.version:
            return kept[1]
        body = make()
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[key] = visit.version, body
        return body

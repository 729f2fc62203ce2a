"""The board of one campaign while it runs. It asks pricing's PostgreSQL: a label for each campaign would never end.

The numbers are those that prices refer to, tallies, so they are exact, a fraction of a second old, and of no person.
"""

from tools.observability.grafana import Board, Json, Panel, Row, Sql, source

DATABASE = "pricing"
_ONE = "campaign_id::text = ${campaign:sqlstring}"
_CHOICE = (
    "SELECT campaign_id::text FROM campaigns"
    " WHERE state IN ('RUNNING', 'PAUSED') OR ends_at > now() - interval '7 days'"
    " ORDER BY starts_at DESC LIMIT 200"
)


def campaign_live() -> Board:
    """Make the board."""
    return Board(
        "groupbuy-campaign-live",
        "groupbuy: campaign live",
        "One campaign as it sells: seats, teams, fill and the price that is next. From pricing's tallies.",
        [Row("Now", _now()), Row("As it went", _course()), Row("Prices", _prices())],
        DATABASE,
        [_choice()],
    )


def _choice() -> Json:
    return {
        "name": "campaign",
        "label": "Campaign",
        "type": "query",
        "datasource": source(DATABASE),
        "query": _CHOICE,
        "definition": _CHOICE,
        "refresh": 1,
        "sort": 0,
        "multi": False,
        "includeAll": False,
    }


def _last(columns: str) -> str:
    return f"SELECT {columns} FROM tallies WHERE {_ONE} ORDER BY seq DESC LIMIT 1"  # noqa: S608 - constants


def _now() -> list[Panel]:
    def stat(title: str, columns: str, meaning: str = "") -> Panel:
        return Panel(title, [Sql(_last(columns))], "short", "stat", meaning, width=4, height=4)

    return [
        stat("Members who bought", "members_confirmed_now AS members"),
        stat("Units sold", "units_confirmed_now AS units"),
        stat("Units that are held", "units_held_now AS units", "Reserved, and not paid or promised yet."),
        stat("Open teams", "teams_opened - teams_formed - teams_failed - teams_cancelled AS teams"),
        stat("Teams that formed", "teams_formed AS teams"),
        stat("Units that fill the ladder", "units_of_fill AS units", "Where the whole campaign fills it."),
    ]


def _per_minute(column: str, name: str) -> str:
    return (
        f"SELECT time, {name} - lag({name}) OVER (ORDER BY time) AS {name} FROM ("  # noqa: S608 - constants
        f"SELECT date_trunc('minute', occurred_at) AS time, max({column}) AS {name} FROM tallies"
        f" WHERE {_ONE} AND $__timeFilter(occurred_at) GROUP BY 1) AS minutes ORDER BY time"
    )


def _over_time(columns: str) -> str:
    return (
        f"SELECT occurred_at AS time, {columns} FROM tallies"  # noqa: S608 - constants
        f" WHERE {_ONE} AND $__timeFilter(occurred_at) ORDER BY seq"
    )


def _course() -> list[Panel]:
    return [
        Panel("Seats held, by minute", [Sql(_per_minute("seats_held", "held"))]),
        Panel("Seats confirmed, by minute", [Sql(_per_minute("seats_confirmed", "confirmed"))]),
        Panel("Units", [Sql(_over_time("units_confirmed_now AS sold, units_held_now AS held"))]),
        Panel(
            "Teams",
            [Sql(_over_time("teams_opened AS opened, teams_formed AS formed, teams_failed AS failed"))],
            width=12,
        ),
        Panel(
            "Seats given back",
            [Sql(_over_time('seats_left AS "left", seats_expired AS expired'))],
            width=12,
        ),
    ]


def _prices() -> list[Panel]:
    table = (
        'SELECT s.sku, s.role, s.threshold AS "from this fill on", s.unit_price AS "price of a unit (minor units)",'
        " t.currency, t.basis"
        " FROM price_steps AS s JOIN price_tables AS t USING (campaign_id, ladder_version)"
        " WHERE s.campaign_id::text = ${campaign:sqlstring}"
        " AND s.ladder_version = (SELECT ladder_version FROM campaigns WHERE campaign_id = s.campaign_id)"
        " ORDER BY s.place, s.threshold"
    )
    return [Panel("Price table", [Sql(table, table=True)], "short", "table", width=24)]

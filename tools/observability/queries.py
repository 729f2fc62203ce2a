"""How the boards ask Prometheus: rates of counters, quantiles of histograms, and gauges added up as they must be."""

from tools.observability.grafana import Query

WINDOW = "$__rate_interval"


def rate(counter: str, by: str = "", legend: str = "", selector: str = "") -> Query:
    """Ask how often a second, over all processes."""
    return Query(f"sum{_by(by)} (rate({counter}{_in(selector)}[{WINDOW}]))", legend or _legend(by))


def top(most: int, counter: str, by: str, selector: str = "") -> Query:
    """Ask for those that are counted most often a second."""
    return Query(f"topk({most}, {rate(counter, by, selector=selector).expression} > 0)", _legend(by))


def quantile(part: float, histogram: str, by: str = "", selector: str = "") -> Query:
    """Ask what a part of all stayed below."""
    labels = f"le, {by}" if by else "le"
    inner = f"sum by ({labels}) (rate({histogram}_bucket{_in(selector)}[{WINDOW}]))"
    return Query(f"histogram_quantile({part:g}, {inner})", f"p{part * 100:g} {_legend(by)}".strip())


def total(gauge: str, by: str = "", selector: str = "") -> Query:
    """Ask for a gauge that each process has for itself, added up."""
    return Query(f"sum{_by(by)} ({gauge}{_in(selector)})", _legend(by))


def once(gauge: str, by: str = "", selector: str = "") -> Query:
    """Ask for a gauge that each process tells of the same database: it counts once."""
    return Query(f"max{_by(by)} ({gauge}{_in(selector)})", _legend(by))


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""


def _in(selector: str) -> str:
    return f"{{{selector}}}" if selector else ""


def _legend(labels: str) -> str:
    return " ".join(f"{{{{{label.strip()}}}}}" for label in labels.split(",") if label)

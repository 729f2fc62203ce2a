"""What a call left for its answer: ids, tokens and URLs, which somebody outside may have written.

Each has to look like what the service gives before it becomes part of a request, and a URL has to be the service's own.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from services.chassis.addresses import is_private_host
from services.notification.channels import Http, Outcome, Refused, Retry
from services.notification.channels.http import NotAllowed, NotReached, Reply

Form = tuple[re.Pattern[str], str]
"""What a value has to look like, as a pattern and in words."""


def form(pattern: str, must_be: str) -> Form:
    """Make a form."""
    return re.compile(pattern), f"must be {must_be}"


def problems(
    values: Mapping[str, str], required: Mapping[str, Form], optional: Mapping[str, Form] | None = None
) -> dict[str, str]:
    """Say which values are missing or look like none of the service's; an optional one may be empty."""
    found = {name: how for name, (pattern, how) in required.items() if not pattern.fullmatch(values.get(name, ""))}
    for name, (pattern, how) in (optional or {}).items():
        if values.get(name) and not pattern.fullmatch(values[name]):
            found[name] = f"{how}, or empty"
    return found


def own_url_problem(http: Http, url: str, hosts: Collection[str]) -> str | None:
    """Say what is wrong with a URL to answer at: it has to be https, of one of the service's hosts.

    Where the operator allows private addresses, one of them is fine too, as a server that stands for the service.
    """
    if http.url_problem(url) is None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https" and host in hosts and parts.port in {None, 443}:
            return None
        if http.allows_private and is_private_host(host):
            return None
    return f"must be an https URL of {' or '.join(hosts)}"


async def post(http: Http, url: str, json: Mapping[str, Any]) -> Reply | Outcome:
    """Post to a URL that has been checked; an outcome where no answer came."""
    try:
        return await http.post(url, json=json)
    except NotAllowed:
        return Refused("the URL to answer at leads to a private address")
    except NotReached as problem:
        return Retry(str(problem))

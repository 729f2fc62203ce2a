"""The signature of a page, as WeChat documents it.

Source: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html, appendix 1; its example is a test.
"""

import hashlib

LONGEST_URL = 2048


def signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """Sign a page's address, given without its fragment: names in order, values as they are, none encoded anew."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - theirs to choose


def url_problem(url: str, link: str) -> str | None:
    """Say what is wrong with the address that a page of ours says it has: its link, with any query behind it."""
    if not url:
        return "must be set: the page's address, percent-encoded, without its fragment"
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return f"must be an address of at most {LONGEST_URL} ASCII characters without spaces"
    if url.partition("?")[0] != link:
        return f"must be the address of this page, {link}, with or without a query"
    return None

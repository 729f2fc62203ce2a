"""The signature of a page for WeChat's browser, and which addresses of a page are signed at all."""

import pytest

from services.team_formation.wechat.signing import LONGEST_URL, signature, url_problem

TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
LINK = "https://shop.example/i/Ab3dEf6hIj9k"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://mp.weixin.qq.com?params=value", "0f9de62fce790f9a083d5c99e95740ceb90c27ed"),
        ("http://mp.weixin.qq.com", "f4d90daf4b3bca3078ab155816175ba34c443a7b"),
    ],
    ids=["of the document now", "of the document before"],
)
def test_it_is_what_wechats_document_says(url: str, expected: str) -> None:
    assert signature(TICKET, "Wm3WZYTPz0wzccnW", 1414587457, url) == expected


@pytest.mark.parametrize(
    "url",
    [LINK, f"{LINK}?lang=zh-Hans", f"{LINK}?from=singlemessage&isappinstalled=0", f"{LINK}?a=https://evil.example/?b"],
)
def test_the_page_is_signed_with_any_query(url: str) -> None:
    assert url_problem(url, LINK) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"{LINK}/",
        f"{LINK}/../x",
        LINK[:-1],
        "https://shop.example/",
        LINK.replace("https", "http"),
        LINK.replace("shop.example", "shop.example:8443"),
        LINK.replace("shop.example", "evil.example"),
        LINK.replace("https://", "https://shop.example@evil.example/"),
        f"https://evil.example/?{LINK}",
        f"{LINK}?a=\n",
        f"{LINK}?a b",
        f"{LINK}?ü",
        f"{LINK}?{'a' * LONGEST_URL}",
    ],
)
def test_nothing_else_is(url: str) -> None:
    assert url_problem(url, LINK)

"""The words that we put around an invite's link, and the disclosure of a commission, per language."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What is written in one language. Texts are templates: a line whose values are all empty is left out."""

    message: str
    """The words without the link, for channels that take the link by itself."""
    message_with_link: str
    """The words with the link on a line of its own."""
    message_with_code: str
    """The words with link and code, for channels that make links unreadable: the shop's app finds the code."""
    from_price: str
    """How the lowest of several prices is written."""
    disclosure: str
    """What is said where the sender earns a commission."""


def _words(message: str, code: str, from_price: str, disclosure: str) -> Words:
    with_link = f"{message}\n{{link}}"
    return Words(message, with_link, f"{with_link}\n{code}", from_price, disclosure)


WORDS = {
    "en": _words(
        "{label} invites you.\n{note}\nBuy together: {title}, {price} now",
        "Code: {code}",
        "from {price}",
        "Advertising: the sender earns a commission.",
    ),
    "zh-Hans": _words(
        "{label}邀请你参团\n{note}\n一起拼：{title}，现价{price}",  # noqa: RUF001 - Chinese has its own signs
        "邀请码 {code}",
        "{price}起",
        "广告：分享者可获得佣金。",  # noqa: RUF001 - as above
    ),
    "es": _words(
        "{label} te invita.\n{note}\nCompremos juntos: {title}, ahora {price}",
        "Código: {code}",
        "desde {price}",
        "Publicidad: quien comparte recibe una comisión.",
    ),
    "ar": _words(
        "دعوة من {label}\n{note}\nلنشترِ معًا: {title}، السعر الآن {price}",
        "الرمز: {code}",
        "ابتداءً من {price}",
        "إعلان: يحصل المُرسِل على عمولة.",
    ),
}
FALLBACK = "en"
LANGUAGES = tuple(WORDS)

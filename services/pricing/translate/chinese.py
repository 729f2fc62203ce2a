"""The Simplified Chinese sentences that explain a price; every number in them is exact, as in sentences.py."""

# ruff: noqa: RUF001 - the punctuation is Chinese

from services.pricing import domain
from services.pricing.translate.amounts import MOST_NAMED, exact_text, money_text, number_text, percent_text, rounded

_GIVEN_BACK = {
    domain.ReleaseReason.EXPIRED: "未在保留时间内确认",
    domain.ReleaseReason.LEFT: "成员已退出拼团",
    domain.ReleaseReason.TEAM_FAILED: "截止时未达到成团人数",
    domain.ReleaseReason.TEAM_CANCELLED: "该团已取消",
    domain.ReleaseReason.TEAM_ENDED: "拼团结束前未等到空位",
    domain.ReleaseReason.PRICE_CHANGED: "轮到时的价格高于成员愿意支付的最高价",
    domain.ReleaseReason.WITHDRAWN: "成员在成团后退回了席位",
}
_ROLES = {domain.Role.LEADER: "团长", domain.Role.MEMBER: "团员"}


def explain_seat(explained: domain.Explanation, currency: str) -> str:
    """Say why a seat pays what it pays, or will."""
    own = f"，凭报价此席位专属价为每件{money_text(explained.price, currency)}"
    step = _step(explained, currency) + (own if explained.seat.own_steps else "")
    fill = f"{_confirmed(explained.fill, explained.basis, explained.tally_seq)}，{step}。"
    return fill + (_free(explained.seat) or _pays(explained, currency))


def explain_team(explained: domain.TeamExplanation, table: domain.PriceTable) -> str:
    """Say what every item costs at a version of a team, and why."""
    began = table.threshold(explained.fill)
    holds = f"适用满{began}起的价格" if began else "适用原价"
    named = [
        f"{priced.row.sku}（{_ROLES[priced.row.role]}）每件{money_text(priced.step.unit_price, table.currency)}"
        for priced in explained.prices[:MOST_NAMED]
    ]
    more = len(explained.prices) - len(named)
    rest = f"，另有{more}项见数据" if more else ""
    confirmed = _confirmed(explained.fill, table.basis, explained.tally_seq)
    return f"该团第{explained.version}版时{confirmed}，{holds}：{'，'.join(named)}{rest}。"


def _free(seat: domain.Seat) -> str | None:
    if seat.release_reason:
        return f"此席位已释放，原因：{_GIVEN_BACK[seat.release_reason]}，无需付款。"
    if seat.state is domain.SeatState.DEFAULTED:
        return "此席位的款项未到账，席位已失效，无需付款。"
    if seat.sponsored:
        return "此席位由平台赞助以帮助成团，无需付款。"
    return None


def _pays(explained: domain.Explanation, currency: str) -> str:
    price, amount = money_text(explained.unit_price, currency), money_text(explained.amount, currency)
    pays = f"每件{price}，共{explained.units}件：{amount}"
    if explained.cap is None:
        return f"此席位正在等候空位，入座时才确定封顶价。现在需支付：{pays}。"
    lower = "（更低）" if explained.cap < explained.price else ""
    cap = f"封顶价为{money_text(explained.cap, currency)}{lower}"
    if explained.seat.state is domain.SeatState.HELD:
        return f"此席位尚未确认，{cap}，确认后需支付：{pays}。"
    end = "已成团，价格不再变动。" if explained.final else "价格仍可能变动，但绝不会超过封顶价。"
    return f"此席位的{cap}，需支付：{pays}。{end}"


def _step(explained: domain.Explanation, currency: str) -> str:
    step = explained.step
    price = money_text(step.unit_price, currency)
    if step.discount is None:
        return f"未达到第一档，每件按原价{price}"
    return f"满{step.threshold}起每件{price}（{_taken_off(explained, step.discount, currency)}）"


def _taken_off(explained: domain.Explanation, discount: domain.Discount, currency: str) -> str:
    listed, price = explained.list_price, explained.step.unit_price
    before = f"原价{number_text(listed, currency)}减"
    if discount.kind is not domain.DiscountKind.BASIS_POINTS_OFF:
        return f"{before}{number_text(listed - price, currency)}"
    percent = f"{before}{percent_text(discount.value)}"
    if not rounded(explained.priced):
        return percent
    return f"{percent}为{exact_text(explained.priced, currency)}，四舍五入"


def _confirmed(fill: int, basis: domain.Basis, tally_seq: int) -> str:
    noun = "人" if basis is domain.Basis.TEAM_MEMBERS else "件"
    where = "整个活动" if basis.is_of_campaign else ""
    where += f"第{tally_seq}次统计时" if tally_seq else ""
    return f"{where}已有{fill}{noun}确认" if fill else f"{where}尚无{noun}确认"

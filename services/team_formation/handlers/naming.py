"""What the commands of a batch name: members, invites, quotes."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from services.team_formation.domain import Import, Join, NewInvite, Open, Quote
from services.team_formation.handlers.asks import Ask, Revoke


def members_of(asks: Sequence[Ask]) -> list[str]:
    """List the members who are asked for, in a fixed order."""
    named = set()
    for ask in asks:
        match ask.command:
            case Join(member_id=member_id) | NewInvite(member_id=member_id) | Open(join=Join(member_id=member_id)):
                named.add(member_id)
            case Import(seats=seats):
                named |= {seat.join.member_id for seat in seats}
    return sorted(named - {""})


def joins_of(asks: Sequence[Ask]) -> Iterator[Join]:
    """Give the joins, those by which teams are opened too."""
    for ask in asks:
        match ask.command:
            case Join():
                yield ask.command
            case Open(join=join):
                yield join


def named_by(ask: Ask) -> set[str]:
    """Give the ids of members and promoters that are asked for."""
    match ask.command:
        case Join(member_id=member_id) | Open(join=Join(member_id=member_id)):
            return {member_id}
        case NewInvite(member_id=member_id, promoter_id=promoter_id):
            return {member_id, promoter_id} - {""}
        case Import(seats=seats):
            return {seat.join.member_id for seat in seats}
    return set()


def invites_of(asks: Sequence[Ask]) -> set[UUID]:
    """Give the invites by which is joined, or that are taken back."""
    return {ask.command.invite_id for ask in asks if isinstance(ask.command, Join | Revoke) and ask.command.invite_id}


def quotes_of(asks: Sequence[Ask]) -> Iterator[UUID]:
    """Give the quotes that joins bring."""
    for ask in asks:
        match ask.command:
            case Join(quote=Quote(quote_id=quote_id)) | Open(join=Join(quote=Quote(quote_id=quote_id))):
                yield quote_id

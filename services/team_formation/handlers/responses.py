"""Answers to commands, as they are stored and sent: response messages in bytes."""

from typing import Any

from groupbuy.team_formation.v1 import team_formation_service_pb2 as pb

from services.team_formation import domain, translate


def respond(response: Any, decision: domain.Decision, terms: domain.Terms, **more: Any) -> bytes:
    """Answer with the team after a decision, and with the seat or seats it is about where the response has them."""
    currency = terms.price_table.currency
    if "seats" in response.DESCRIPTOR.fields_by_name:
        more["seats"] = [translate.seat(seat, currency) for seat in decision.seats if seat.sponsored]
    if decision.seat:
        more["seat"] = translate.seat(decision.seat, currency)
    written: bytes = response(team=translate.team(decision.team, terms), **more).SerializeToString()
    return written


def respond_join(decision: domain.Decision, terms: domain.Terms, outcome: pb.JoinOutcome.ValueType) -> bytes:
    """Answer a join."""
    return respond(pb.JoinTeamResponse, decision, terms, outcome=outcome)

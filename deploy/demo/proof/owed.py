"""What one seat owes for one cause, as a value to compare."""

from dataclasses import dataclass

from groupbuy.pricing.v1.events_pb2 import SettlementLine


@dataclass(frozen=True, slots=True)
class Owed:
    """Minor units: `given` was paid or authorised for it, `back` goes back; below zero: less than was told before."""

    seat_id: str
    cause: int
    unit_price: int
    given: int
    kept: int
    back: int
    due: int

    @property
    def moves(self) -> bool:
        """Whether any money is kept, goes back or is due."""
        return bool(self.kept or self.back or self.due)

    @classmethod
    def of_line(cls, line: SettlementLine) -> "Owed":
        """Read it from a settlement line of pricing."""
        return cls(
            seat_id=line.seat_id,
            cause=line.cause,
            unit_price=line.unit_price.minor_units,
            given=line.paid.minor_units + line.authorised.minor_units,
            kept=line.to_keep.minor_units + line.to_capture.minor_units,
            back=line.to_refund.minor_units + line.to_void.minor_units,
            due=line.due.minor_units,
        )

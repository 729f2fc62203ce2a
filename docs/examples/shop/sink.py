"""Stands for a payment provider: authorise, capture, give back; each once for its key, however often it is asked."""

import sqlite3
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS payments (reference TEXT PRIMARY KEY, authorised INTEGER NOT NULL, currency TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS moves (
    key TEXT PRIMARY KEY, reference TEXT NOT NULL REFERENCES payments, kind TEXT NOT NULL, amount INTEGER NOT NULL);
"""
AUTHORISED = "SELECT coalesce(sum(authorised), 0) FROM payments WHERE reference = ?"
SUM = "SELECT coalesce(sum(amount), 0) FROM moves WHERE reference = ? AND kind = ?"


class Sink:
    """Payments, and what was done about them; amounts are integers in minor units."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.db.executescript(TABLES)

    def authorise(self, reference: str, amount: int, currency: str) -> None:
        """Set an amount aside on the buyer's card."""
        self.db.execute("INSERT OR IGNORE INTO payments VALUES (?, ?, ?)", (reference, amount, currency))

    def capture(self, reference: str, key: str, amount: int) -> str:
        """Take an amount of what was set aside; ValueError where less is left. Always CAPTURED."""
        return self._move(reference, f"{key}-capture", "CAPTURED", amount)

    def give_back(self, reference: str, key: str, amount: int) -> str:
        """Set an amount free, or pay it back where it is captured: tells which, VOIDED or REFUNDED."""
        return self._move(reference, f"{key}-back", "VOIDED", amount)

    def _move(self, reference: str, key: str, kind: str, amount: int) -> str:
        with self.db:
            self.db.execute("BEGIN IMMEDIATE")
            if known := self.db.execute("SELECT kind FROM moves WHERE key = ?", (key,)).fetchone():
                return str(known[0])
            moved = {k: self.db.execute(SUM, (reference, k)).fetchone()[0] for k in ("CAPTURED", "VOIDED", "REFUNDED")}
            authorised = self.db.execute(AUTHORISED, (reference,)).fetchone()[0]
            left = authorised - moved["CAPTURED"] - moved["VOIDED"]
            if kind == "VOIDED" and left < amount:
                kind, left = "REFUNDED", moved["CAPTURED"] - moved["REFUNDED"]
            if left < amount:
                raise ValueError(f"{amount} of {reference} cannot be {kind}: {left} is left")
            self.db.execute("INSERT INTO moves VALUES (?, ?, ?, ?)", (key, reference, kind, amount))
        return kind

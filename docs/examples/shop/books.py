"""What the shop remembers over a restart: a cart for each attempt to buy, whose fields are written once and stay."""

import sqlite3
from pathlib import Path
from typing import Any

# Requests are written down before they are sent, and sent like that until there is an answer: `ask` is the JoinTeam or
# OpenTeam, `paying` the ConfirmSeat. `seat` and `outcome` are what came of them.
TABLE = """CREATE TABLE IF NOT EXISTS carts (id TEXT PRIMARY KEY, buyer TEXT NOT NULL, handover BLOB NOT NULL,
                                             note TEXT NOT NULL, ask BLOB, seat TEXT, paying BLOB, outcome TEXT)"""


class Books:
    """The shop's table."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.db.row_factory = sqlite3.Row
        self.db.execute(TABLE)

    def put(self, cart_id: str, buyer: str, handover: bytes, note: str = "") -> Any:
        """Make a cart for whoever comes first; the cart, or None where that was another buyer."""
        row = (cart_id, buyer, handover, note)
        self.db.execute("INSERT OR IGNORE INTO carts (id, buyer, handover, note) VALUES (?, ?, ?, ?)", row)
        return self.cart(cart_id, buyer)

    def cart(self, cart_id: str, buyer: str) -> Any:
        """Find a buyer's cart, or None."""
        return self.db.execute("SELECT * FROM carts WHERE id = ? AND buyer = ?", (cart_id, buyer)).fetchone()

    def once(self, cart: Any, column: str, value: Any) -> Any:
        """Write a field of a cart; what was written first stays, and is given."""
        unless = f"UPDATE carts SET {column} = ? WHERE id = ? AND {column} IS NULL"  # noqa: S608
        self.db.execute(unless, (value, cart["id"]))
        return self.cart(cart["id"], cart["buyer"])[column]

    def unfinished(self) -> list[Any]:
        """List the carts whose payment is not seen through."""
        return self.db.execute("SELECT * FROM carts WHERE paying IS NOT NULL AND outcome IS NULL").fetchall()

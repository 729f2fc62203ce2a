"""Test twins of platforms: how a twin's id is made, and told from that of a real platform.

A twin is a platform like any other, with rows, events and keys of its own. That it is one stands in its id, so that
every row, event and process knows it without asking: nothing of a twin may ever reach a real person.
"""

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

TEST_KEY_PREFIX = "gbt"
TWINS_ALONE = "substr(platform_id::text, 15, 1) = '8'"
"""Whether a row is a twin's, in SQL: the condition of indexes for what is asked of twins alone."""
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When that is due of a twin which is to be done whatever its time is."""
_VERSION = 8
"""RFC 9562 leaves version 8 to the application; ids of real platforms have version 7."""
_VERSION_BITS = 0xF << 76
_VARIANT_BITS = 0x3 << 62


def twin_of(platform_id: UUID, generation: int) -> UUID:
    """Make the id of a platform's twin. Each reset begins a new generation, of which nothing has been seen yet."""
    digest = sha256(b"twin" + platform_id.bytes + generation.to_bytes(8)).digest()
    number = int.from_bytes(digest[:16]) & ~(_VERSION_BITS | _VARIANT_BITS)
    return UUID(int=number | _VERSION << 76 | 0x2 << 62)


def is_test(platform_id: UUID) -> bool:
    """Tell whether a platform is a test twin."""
    return platform_id.version == _VERSION

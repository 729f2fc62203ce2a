"""Has the statements of a pipeline sent together: in one piece when their rows are fetched, or when told to.

psycopg (3.3) hands every statement of a pipeline to the network by itself: two system calls for us, and a server
process that wakes up for each. A transaction of ours has a dozen statements and reads twice. There is no public way to
hold them back; tests/integration/chassis/test_bursts.py checks what is used here.
"""

from collections.abc import Generator
from typing import Any

from psycopg import AsyncPipeline


class Burst(AsyncPipeline):
    """A pipeline that waits with its statements. It is made of the one that a connection has entered."""

    @classmethod
    def of(cls, pipeline: AsyncPipeline) -> "Burst":
        """Have a pipeline hold its statements back from now on."""
        pipeline.__class__ = cls
        return pipeline  # type: ignore[return-value]

    async def send(self) -> None:
        """Send what waits, so that the server begins with it."""
        await self._conn.wait(self._send_gen())

    def _send_gen(self) -> Generator[Any, Any, None]:
        while self.command_queue:
            self.command_queue.popleft()()  # written to libpq's buffer, which has no limit
        yield from super()._communicate_gen()

    def _communicate_gen(self) -> Generator[Any, Any, None]:
        """Hold a statement back; what psycopg calls after each of them."""
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> Generator[Any, Any, None]:
        yield from self._send_gen()
        yield from super()._fetch_gen(flush=flush)

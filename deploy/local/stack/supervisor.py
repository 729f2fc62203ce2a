"""Start parts in groups, keep them alive, stop them in reverse."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from deploy.local.errors import LocalError
from deploy.local.stack.keeper import Keeper
from deploy.local.stack.part import Part
from deploy.local.stack.run import RunningPart, note


class Supervisor:
    """Parts by name, in the order they were started. `say` is told what a user should know."""

    def __init__(self, *, say: Callable[[str], None], changed: Callable[[], None], max_deaths: int) -> None:
        self.keepers: dict[str, Keeper] = {}
        self._groups: list[list[Keeper]] = []
        self._say = say
        self._changed = changed
        self._max_deaths = max_deaths
        self._failure: asyncio.Future[LocalError] | None = None

    async def start(self, *parts: Part) -> None:
        """Start `parts` side by side and watch over them; LocalError if one does not start (the others go on)."""
        group = [self._keeper(part) for part in parts]
        self._groups.append(group)
        await together(*(keeper.start() for keeper in group))

    async def stop(self, *, hurry: bool = False) -> None:
        """Stop all, the last group first; in a hurry by kill -9. A second call beside the first may hurry it."""
        for group in reversed(self._groups):
            await together(*(keeper.stop(hurry=hurry) for keeper in group))

    async def failure(self) -> LocalError:
        """Wait until a part died too often, and give the reason."""
        return await asyncio.shield(self._failed())

    def notes(self) -> list[RunningPart]:
        """Every part as it is now."""
        return [
            note(
                name,
                keeper.part.address,
                keeper.part.probe,
                keeper.child.pid if keeper.child else None,
                keeper.restarts,
            )
            for name, keeper in self.keepers.items()
        ]

    def _keeper(self, part: Part) -> Keeper:
        keeper = Keeper(
            part, say=self._say, changed=self._changed, failed=self._on_failure, max_deaths=self._max_deaths
        )
        self.keepers[part.name] = keeper
        return keeper

    def _failed(self) -> "asyncio.Future[LocalError]":
        if self._failure is None:
            self._failure = asyncio.get_running_loop().create_future()
        return self._failure

    def _on_failure(self, error: LocalError) -> None:
        if not self._failed().done():
            self._failed().set_result(error)


async def together(*work: Coroutine[object, object, object]) -> None:
    """Do `work` side by side; the first error ends the rest and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as errors:
        raise _first(errors.exceptions) from None


def _first(errors: Iterable[BaseException]) -> BaseException:
    """The first error; one for the user goes before all others."""
    return min(errors, key=lambda error: not isinstance(error, LocalError))

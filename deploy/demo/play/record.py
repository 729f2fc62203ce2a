"""What was played, for the report: steps, their effects, and expectations."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of a step; `after_ms` since the step's call was sent."""

    after_ms: float
    what: str
    where: str


@dataclass(slots=True)
class StepRecord:
    """One step as it went."""

    line: int
    action: str
    text: str
    effects: list[Effect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What else it showed: receipts, letters, what became of a crowd."""
    broken: list[str] = field(default_factory=list)
    """What was expected and is not so, each in a sentence."""


@dataclass(slots=True)
class SceneRecord:
    """One scene as it went; `shown` is false where it was only played because another one continues it."""

    name: str
    title: str
    file: str
    shown: bool
    seconds: float = 0.0
    steps: list[StepRecord] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """Everything in it that is not as expected, with file and line."""
        return [f"{self.file}:{step.line}: {what}" for step in self.steps for what in step.broken]

"""What tests tell at the end of a run: sentences with what they have counted, by section."""

TOLD: dict[str, list[str]] = {}


def tell(section: str, sentence: str) -> None:
    """Have a sentence printed at the end of the run."""
    TOLD.setdefault(section, []).append(sentence)

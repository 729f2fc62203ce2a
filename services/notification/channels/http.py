"""The HTTP client of channels, under the name that channels of third parties know: the chassis' own."""

from services.chassis.http import LONGEST_RETRY_AFTER, MOST_BYTES, Http, NotAllowed, NotReached, Reply

__all__ = ["LONGEST_RETRY_AFTER", "MOST_BYTES", "Http", "NotAllowed", "NotReached", "Reply"]

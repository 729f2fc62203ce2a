"""What a service answers to a blocking call that fails, in words for users: who, what, and the remedy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import grpc

from deploy.local.errors import LocalError

_REMEDIES = {grpc.StatusCode.UNAVAILABLE: "Does it run there? See groupbuy status."}
_ANY = "Mend the arguments and try again."


def code_of(error: grpc.RpcError) -> grpc.StatusCode:
    """Give the status of a failed call; what a blocking stub raises is a call too."""
    return cast("grpc.Call", error).code()


def details_of(error: grpc.RpcError) -> str:
    """Give what the service said of a failed call."""
    return cast("grpc.Call", error).details() or ""


def remedy(code: grpc.StatusCode, own: Mapping[grpc.StatusCode, str], other: str = _ANY) -> str:
    """Choose the remedy for a status: one's own, else the usual one, else `other`."""
    return own.get(code) or _REMEDIES.get(code, other)


@contextmanager
def in_words(service: str, address: str, own: Mapping[grpc.StatusCode, str]) -> Iterator[None]:
    """Turn a failed call within into a LocalError that names the service, its answer and the remedy."""
    try:
        yield
    except grpc.RpcError as error:
        code = code_of(error)
        said = f"{service} at {address} answered {code.name}: {details_of(error)}"
        raise LocalError(said, remedy(code, own)) from None

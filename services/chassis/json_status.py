"""Refusals over HTTP: the HTTP status that google.rpc.Code maps to, and the headers that say the same as details.

https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto has the mapping.
"""

from math import ceil

from google.rpc import error_details_pb2, status_pb2

_HTTP_OF_CODE = (200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)
"""The HTTP status of each code, by the code's number: OK is 0, UNAUTHENTICATED is 16."""
_UNAUTHENTICATED = 16


def http_status_of(status: status_pb2.Status) -> int:
    """Give the HTTP status of a status' code."""
    return _HTTP_OF_CODE[status.code]


def headers_of(status: status_pb2.Status) -> list[tuple[bytes, bytes]]:
    """Give the headers that HTTP has for what a status says: when to come back, and that a key is wanted."""
    headers = []
    if status.code == _UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    wait = error_details_pb2.RetryInfo()
    if any(detail.Unpack(wait) for detail in status.details):
        seconds = ceil(wait.retry_delay.seconds + wait.retry_delay.nanos / 1e9)
        headers.append((b"retry-after", str(max(1, seconds)).encode()))
    return headers

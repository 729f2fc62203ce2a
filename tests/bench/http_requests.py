"""Requests of HTTP/1.1 as they are on the wire: pages that are got, and calls as Slack makes them."""

import hmac
import time
from collections.abc import Iterator


def gets(paths: Iterator[bytes], address: str) -> Iterator[bytes]:
    """Give requests for paths, as a browser asks."""
    headers = f" HTTP/1.1\r\nhost: {address}\r\naccept-encoding: gzip\r\nuser-agent: Mozilla/5.0 Bench\r\n\r\n".encode()
    for path in paths:
        yield b"GET " + path + headers


def slack_posts(bodies: Iterator[bytes], address: str, path: str, secret: str) -> Iterator[bytes]:
    """Give calls with bodies, each signed as Slack does when its turn comes."""
    key = secret.encode()
    named = "accept-encoding: gzip,deflate\r\naccept: */*\r\nuser-agent: Slackbot 1.0\r\n"
    head = f"POST {path} HTTP/1.1\r\nhost: {address}\r\n{named}content-type: application/json\r\n".encode()
    for body in bodies:
        stamp = b"%d" % time.time()
        proof = hmac.digest(key, b"v0:" + stamp + b":" + body, "sha256").hex().encode()
        signed = b"x-slack-request-timestamp: " + stamp + b"\r\nx-slack-signature: v0=" + proof
        yield head + signed + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body

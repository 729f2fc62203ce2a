"""One switch for tools that a test needs and a machine may lack: a stated skip, or a failure where required."""

import os

import pytest

SWITCH = "GROUPBUY_REQUIRE"


def require(tool: str, missing: str | None) -> None:
    """Skip the test when `missing` says why `tool` is not there; fail it when GROUPBUY_REQUIRE names the tool.

    GROUPBUY_REQUIRE is a list with commas, as in GROUPBUY_REQUIRE=kafka,browser.
    """
    if missing is None:
        return
    required = {name.strip() for name in os.environ.get(SWITCH, "").split(",")}
    if tool in required:
        pytest.fail(f"{SWITCH} asks for {tool}: {missing}", pytrace=False)
    pytest.skip(missing)

"""The client policy: deadlines, and what is sent again, as the gRPC service config that comes with the stubs."""

from importlib.resources import files


def service_config() -> str:
    """Give the policy as the text that the channel option `grpc.service_config` takes."""
    return files("groupbuy").joinpath("client_policy.json").read_text(encoding="utf-8")

"""groupbuy traces: listen as a collector of traces would, and print each trace as a tree."""

import asyncio

import click

from deploy.traces import Receiver, tree

_LOOK_SECONDS = 0.2


@click.command()
@click.option("--listen", default="127.0.0.1:4317", show_default=True, metavar="HOST:PORT",
              help="Where OTLP over gRPC is taken.")  # fmt: skip
@click.option("--quiet-for", default=3.0, show_default=True, type=click.FloatRange(0.1, 3600), metavar="SECONDS",
              help="A trace is printed when nothing of it has come for so long.")  # fmt: skip
@click.option("--with", "wanted", default="", metavar="TEXT",
              help="Print only traces of which a span's name has this text, for instance JoinTeam.")  # fmt: skip
@click.option("--count", "most", default=0, type=click.IntRange(0), metavar="N",
              help="End after so many traces; 0: go on.")  # fmt: skip
def traces(listen: str, quiet_for: float, wanted: str, most: int) -> None:
    """Print the traces of an engine that was started with GROUPBUY_TRACES_ENDPOINT; Ctrl-C ends it.

    It keeps nothing: for more than a look, have a collector take the traces to where they are stored.
    """
    with asyncio.Runner() as runner:
        runner.run(_print(listen, quiet_for, wanted, most))


async def _print(listen: str, quiet_for: float, wanted: str, most: int) -> None:
    receiver, printed = Receiver(), 0
    port = await receiver.start(listen)
    said = f"GROUPBUY_TRACES_ENDPOINT=127.0.0.1:{port} GROUPBUY_TRACES_RATIO=1"
    click.echo(f"Waiting for traces; start the engine with {said}.", err=True)
    try:
        while not most or printed < most:
            await asyncio.sleep(_LOOK_SECONDS)
            for trace_id in receiver.quiet_since(quiet_for):
                hops = receiver.forget(trace_id)
                if any(wanted in hop.name for hop in hops):
                    click.echo("\n".join([*tree(hops), ""]))
                    printed += 1
    finally:
        await receiver.stop()

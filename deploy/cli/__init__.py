"""The command line `groupbuy`: a table of commands, each imported when it runs."""

from deploy.cli.group import LazyGroup, Place

# A command's name -> where its click command lies, and its line in `groupbuy --help`.
COMMANDS = {
    "demo": Place("deploy.cli.demo", "demo", "Watch teams form on a fresh stack: the story in eighteen scenes."),
    "up": Place("deploy.cli.stack", "up", "Start the whole engine on this machine."),
    "down": Place("deploy.cli.stack", "down", "Stop the engine that runs on this machine."),
    "status": Place("deploy.cli.stack", "status", "Show each part: address, process, health, memory."),
    "logs": Place("deploy.cli.stack", "logs", "Show what the parts write."),
    "platform": Place("deploy.cli.platform", "platform", "Create, list and suspend platforms, and manage their keys."),
    "simulate": Place("deploy.cli.simulate", "simulate", "Say what a ladder earns at every fill; draw it."),
    "check": Place("deploy.cli.check", "check", "Count violations of every invariant."),
    "explain": Place("deploy.cli.explain", "explain", "Explain the price of a seat or a team to the cent."),
    "why": Place("deploy.cli.why", "why", "Tell the story of a seat, an order or an invite across the services."),
    "deliveries": Place("deploy.cli.deliveries", "deliveries", "List what members were told; try it again."),
    "sandbox": Place("deploy.cli.sandbox", "sandbox", "Move a test platform's clock on, or begin it anew."),
    "captured": Place("deploy.cli.captured", "captured", "List what a test platform would have sent."),
    "listen": Place("deploy.cli.listen", "listen", "Show what happens on a platform, or forward it to a URL."),
    "traces": Place("deploy.cli.traces", "traces", "Print the traces of an engine as trees, as they come."),
    "dlq": Place("deploy.cli.dlq", "dlq", "Look at messages that were set aside, and let them go on."),
    "replay": Place("deploy.cli.replay", "replay", "Build derived tables again from the events, and compare them."),
    "outbox": Place("deploy.cli.outbox", "outbox", "Write events to Kafka again, after it was lost."),
    "reread": Place("deploy.cli.reread", "reread", "Have a service read its topics again, after it was restored."),
    "settlements": Place("deploy.cli.settlements", "settlements", "Export the settlement lines of a platform."),
    "reconcile": Place("deploy.cli.reconcile", "reconcile", "Compare a shop's own books with the settlement lines."),
    "import": Place("deploy.cli.importing", "import_teams", "Bring running teams over from another system."),
    "seals": Place("deploy.cli.seals", "seals", "Count what is sealed, by key: when an old key can go."),
    "migrate": Place("deploy.cli.servers", "migrate", "Bring the services' databases up to date."),
    "topics": Place("deploy.cli.servers", "topics", "Create the topics that are missing in Kafka."),
}


def main() -> None:
    """Run the command that the arguments name; the process ends with its exit code."""
    LazyGroup(COMMANDS, name="groupbuy", help="Group buying: teams form from shared links, prices fall in tiers.")()


__all__ = ["COMMANDS", "main"]

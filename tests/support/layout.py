"""The rules of the layout, read from the source: each rule yields a sentence for every place that breaks it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CHASSIS = "services.chassis"
FILES = ("__init__", "__main__", "settings", "domain", "handlers", "store", "rpc")
PROTOBUF = frozenset({"google", "groupbuy", "grpc"})

# What a decision must not touch, though it comes with Python: clocks, chance, files, processes, network, tasks.
IMPURE = frozenset(
    """
    asyncio concurrent contextvars ctypes fcntl getpass glob http io locale logging mmap multiprocessing os pathlib
    platform queue random resource secrets select selectors shelve shutil signal smtplib socket sqlite3 ssl subprocess
    sys tempfile threading time urllib.request
    """.split()  # noqa: SIM905 - a list of words is read more easily than a page of quotes
)
IMPURE_CALLS = frozenset(
    {"open", "print", "input", "exec", "eval", "breakpoint"}
    | {f"{kind}.{name}" for kind in ("date", "datetime") for name in ("now", "utcnow", "today")}
    | {f"uuid.{name}" for name in ("getnode", "uuid1", "uuid4", "uuid6", "uuid7")}
)
ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"})
# Calls that, at the top level of a module, would make its import read or connect.
CONNECTING = frozenset(
    {"open", "connect", "create_connection", "insecure_channel", "read_bytes", "read_text", "secure_channel"}
)

SQL = re.compile(
    r"\s*(?:(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE|COPY|LISTEN|NOTIFY|CREATE|ALTER|DROP|LOCK)\s"
    r"|(?i:select\s.+\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|create\s+(?:table|index)\s))",
    re.DOTALL,
)


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name, where it lies (for messages) and its syntax tree."""

    name: str
    path: Path
    is_package: bool
    tree: ast.Module

    @property
    def service(self) -> str | None:
        """The service or chassis it is part of, as `services.pricing`; None outside services/."""
        parts = self.name.split(".")
        return ".".join(parts[:2]) if parts[0] == "services" and len(parts) > 1 else None

    @property
    def role(self) -> str | None:
        """The file's name within its service, `domain` for all of domain/ too; None for the service's own __init__."""
        parts = self.name.split(".")
        return parts[2] if self.service and len(parts) > 2 else None  # services.<name>.<role>


@dataclass(frozen=True)
class Import:
    """One imported module or name, dotted and absolute, and its line."""

    target: str
    line: int


Modules = Mapping[str, Module]


def read(root: Path, *folders: str) -> dict[str, Module]:
    """Parse every Python file of these folders below root."""
    found = {}
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            relative = path.relative_to(root)
            is_package = path.name == "__init__.py"
            parts = relative.parent.parts if is_package else relative.with_suffix("").parts
            name = ".".join(parts)
            found[name] = Module(name, relative, is_package, ast.parse(path.read_text(encoding="utf-8"), str(relative)))
    return found


def imports(module: Module) -> Iterator[Import]:
    """Yield what a module imports, wherever in it; relative imports are resolved."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [_package_above(module, node.level), node.module]))
            yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _package_above(module: Module, level: int) -> str:
    """Return the package that a relative import of this level starts from; nothing for an absolute one."""
    if level == 0:
        return ""
    parts = module.name.split(".")
    return ".".join(parts[: len(parts) - level + module.is_package])


def within(name: str, package: str) -> bool:
    """Tell whether a dotted name is a package or lies in it."""
    return name == package or name.startswith(package + ".")


def where(module: Module, line: int) -> str:
    """Return `path:line`, as editors understand it."""
    return f"{module.path}:{line}"


def domain_is_pure(modules: Modules) -> Iterator[str]:
    """Rule 1: domain.py imports the standard library alone, and of that nothing with a clock, chance or I/O."""
    for module in modules.values():
        if module.role != "domain":
            continue
        for found in imports(module):
            own = within(found.target, f"{module.service}.domain")
            standard = found.target.split(".")[0] in sys.stdlib_module_names
            if not own and (not standard or any(within(found.target, impure) for impure in IMPURE)):
                yield f"{where(module, found.line)} a domain imports pure standard library only, not {found.target}"
        for name, line in _uses(module):
            if any(name == call or name.endswith("." + call) for call in IMPURE_CALLS):
                yield f"{where(module, line)} a domain is given time and ids as arguments, it does not ask {name}"


def _uses(module: Module) -> Iterator[tuple[str, int]]:
    """Yield every dotted name that a module uses, with aliases of imports undone, and its line."""
    known = _aliases(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := _dotted(node)):
            first, _, rest = name.partition(".")
            yield ".".join(filter(None, [known.get(first, first), rest])), node.lineno


def _aliases(module: Module) -> dict[str, str]:
    """Return what each imported name stands for."""
    known: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            known |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return known


def _dotted(node: ast.expr) -> str | None:
    """Return `a.b.c` for a chain of names, None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := _dotted(node.value)):
        return f"{left}.{node.attr}"
    return None


def store_knows_no_protobuf(modules: Modules) -> Iterator[str]:
    """Rule 2: domain.py and store.py speak the engine's own values, not the wire's."""
    for module in modules.values():
        if module.role not in {"domain", "store"}:
            continue
        for found in imports(module):
            if found.target.split(".")[0] in PROTOBUF:
                yield f"{where(module, found.line)} {module.role} knows no protobuf and no gRPC, not {found.target}"


def sql_is_in_stores(modules: Modules, chassis_sql: Mapping[str, str]) -> Iterator[str]:
    """Rule 2: a service has its SQL in store.py; the chassis in the modules that the given list names."""
    for module in modules.values():
        if module.service is None or module.role == "store" or module.name in chassis_sql:
            continue
        for text, line in _strings(module):
            if SQL.match(text):
                start = " ".join(text.split())[:40]
                yield f"{where(module, line)} SQL belongs into the service's store.py: {start}"


def _strings(module: Module) -> Iterator[tuple[str, int]]:
    """Yield every string of a module that is no docstring, and its line."""
    silent = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value, node.lineno


def services_keep_apart(modules: Modules) -> Iterator[str]:
    """Rule 3: a service imports the chassis, itself and groupbuy.*, never another; the chassis imports no service."""
    for module in modules.values():
        if module.service is None:
            continue
        for found in imports(module):
            top = found.target.split(".")[0]
            ours = top in {"services", "deploy", "tests", "tools"}
            if ours and not within(found.target, CHASSIS) and not within(found.target, module.service):
                yield f"{where(module, found.line)} {module.service} must not import {found.target}"


def environment_is_read_once(modules: Modules) -> Iterator[str]:
    """Rule 4: only __main__.py and the chassis settings read the environment."""
    for module in modules.values():
        allowed = module.role == "__main__" or within(module.name, f"{CHASSIS}.settings")
        if module.service is None or allowed:
            continue
        for name, line in _uses(module):
            if name in ENVIRONMENT:
                yield f"{where(module, line)} only __main__.py and the chassis settings may use {name}"


def imports_do_nothing(modules: Modules) -> Iterator[str]:
    """Rule 4: importing a module neither reads a file nor connects."""
    for module in modules.values():
        if module.role == "__main__" or module.name.endswith("__main__"):
            continue
        for call in _calls_at_import(module.tree.body):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in CONNECTING:
                yield f"{where(module, call.lineno)} importing a module must not call {name}"


def _calls_at_import(statements: list[ast.stmt]) -> Iterator[ast.Call]:
    """Yield the calls that run when a module is imported: bodies of functions do not."""
    waiting: list[ast.AST] = list(statements)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting += ast.iter_child_nodes(node)


def no_circles(modules: Modules) -> Iterator[str]:
    """No module imports itself over others; an import inside a function counts, for it only hides a circle."""
    graph = {name: _targets(module, modules) for name, module in modules.items()}
    for circle in _circles(graph):
        yield "imports in a circle: " + " -> ".join([*circle, circle[0]])


def _targets(module: Module, modules: Modules) -> frozenset[str]:
    """Return the modules of the tree that a module imports."""
    found = set()
    for one in imports(module):
        target = one.target if one.target in modules else one.target.rpartition(".")[0]
        if target in modules and target != module.name:
            found.add(target)
    return frozenset(found)


def _circles(graph: Mapping[str, frozenset[str]]) -> Iterator[list[str]]:
    """Yield one shortest circle for each module that is part of one, each circle once."""
    told: set[frozenset[str]] = set()
    for start in graph:
        circle = _way_back(graph, start)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            yield circle


def _way_back(graph: Mapping[str, frozenset[str]], start: str) -> list[str] | None:
    """Return the shortest way from a module to itself, without its end; None if there is none."""
    ways, seen = [[start]], set()
    for way in ways:
        for target in sorted(graph[way[-1]]):
            if target == start:
                return way
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return None


def one_shape(root: Path, services: list[str]) -> Iterator[str]:
    """Every service has the same files, each a module or a package of that name, and a first migration."""
    for service in services:
        folder = root / "services" / service
        for name in FILES:
            if not (folder / f"{name}.py").is_file() and not (folder / name / "__init__.py").is_file():
                yield f"services/{service} has no {name}.py"
        if not list(folder.glob("migrations/0001_*.sql")):
            yield f"services/{service} has no migrations/0001_*.sql"


def docstrings(modules: Modules) -> Iterator[str]:
    """Every module says its job in the first line."""
    for module in modules.values():
        if not ast.get_docstring(module.tree):
            yield f"{where(module, 1)} does not say its job in a docstring"

"""How far a statement is restricted to one platform: the rule, applied to PostgreSQL's own syntax tree.

Every access to a table in a statement gets a level:

- PLATFORM: the rows' `platform_id` equals a parameter, or a column of rows that have this level.
- KEY: a key of the rows equals a parameter. A key is `campaign_id`, all columns of a unique index of UUIDs alone, or a
  column that `exceptions.IDS_IN_TEXT` names. Whoever passes it must have found it restricted; `watching` checks that
  while hostile calls are made.
- NOTHING: anything else.

The platform, a key, or the columns of a foreign key that equal columns of another access's rows take over that access's
level: what belongs to a row belongs to its platform, as the invariants `8_rows_of_one_platform` hold to. Only
equalities count that hold for every row that comes out: conditions joined by AND in WHERE and in inner joins; those of
an outer join only towards the side that may be missing. What is inserted has the level of the `platform_id` it is
given, or of its key where the table has no such column; a row that an insert may change must be found by one of the two
as well.
"""

from collections.abc import Iterator, Mapping, Sequence

from tests.support.isolation.sources import Access, Columns, Level, Scope, Source, Table
from tests.support.isolation.syntax import (
    Node,
    conjuncts,
    equal_pairs,
    inner_queries,
    only,
    parse,
    path,
    strings,
)


class Prover:
    """Proves statements over the tables of one database."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._found: dict[int, Access] = {}

    def accesses(self, statement: str) -> list[Access]:
        """Give every access of a statement, written as psycopg takes it."""
        self._found = {}
        trees = parse(statement)
        for kind, node in trees:
            self._statement(kind, node, Scope({}))
        return list(self._found.values())

    def _statement(self, kind: str, node: Node, around: Scope) -> Columns:
        known = dict(around.ctes)
        around = Scope(known, around.outer, around.sources)
        for item in node.get("withClause", {}).get("ctes", ()):
            cte = item["CommonTableExpr"]
            names = strings(cte.get("aliascolnames", ()))
            known[cte["ctename"]] = {}  # what it says of itself restricts nothing
            known[cte["ctename"]] = _renamed(self._statement(*only(cte["ctequery"]), around), names)
        if kind == "SelectStmt":
            return self._select(node, around)
        if kind == "InsertStmt":
            return self._insert(node, around)
        if kind in {"UpdateStmt", "DeleteStmt"}:
            return self._change(node, around)
        if kind in {"MergeStmt", "TruncateStmt", "CopyStmt"}:
            raise NotImplementedError(f"there is no rule for {kind} yet: write it before such a statement is used")
        return {}

    def _select(self, node: Node, around: Scope) -> Columns:
        if node.get("op", "SETOP_NONE") != "SETOP_NONE":
            left, right = (self._statement("SelectStmt", node[side], around) for side in ("larg", "rarg"))
            weakest = min(right.values(), default=Level.GIVEN)
            return {name: min(level, weakest) for name, level in left.items()}
        scope = self._settled(Scope(around.ctes, around), node.get("fromClause", ()), node.get("whereClause"))
        self._look_into({name: part for name, part in node.items() if name not in {"fromClause", "withClause"}}, scope)
        if "valuesLists" in node:
            return {"*": Level.GIVEN}
        return self._results(node.get("targetList", ()), scope)

    def _change(self, node: Node, around: Scope) -> Columns:
        scope = Scope(around.ctes, around, [self._table(node["relation"])])
        others = node.get("fromClause") or node.get("usingClause") or ()
        scope = self._settled(scope, others, node.get("whereClause"))
        names = {"targetList", "returningList", "returningClause", "whereClause"}
        self._look_into({name: part for name, part in node.items() if name in names}, scope)
        if any(item["ResTarget"].get("name") == "platform_id" for item in node.get("targetList", ())):
            raise ValueError("a row must not be given to another platform")
        return self._results(node.get("returningList", ()), scope)

    def _insert(self, node: Node, around: Scope) -> Columns:
        rows = self._statement(*only(node["selectStmt"]), around) if "selectStmt" in node else {}
        given = min(rows.values(), default=Level.NOTHING)
        target = self._table(node["relation"])
        for item in node.get("cols", ()):
            target.anchor(item["ResTarget"]["name"], given)
        if target.table and "platform_id" in target.table.columns:
            target.level = min(target.anchored.get("platform_id", Level.NOTHING), Level.PLATFORM)
        else:
            target.settle()
        conflict = node.get("onConflictClause", {})
        if conflict.get("action") == "ONCONFLICT_UPDATE":
            target.level = min(target.level, _meets(target, conflict))
        self._note(target)
        scope = Scope(around.ctes, around, [target])
        self._look_into([conflict, node.get("returningList")], scope)
        return self._results(node.get("returningList", ()), scope)

    def _settled(self, scope: Scope, items: Sequence[Node], where: Node | None) -> Scope:
        """Read what FROM names, and anchor it until nothing rises."""
        for item in items:
            self._enter(item, scope)
        before: list[object] = []
        while before != scope.state():
            before = scope.state()
            for source in scope.sources:
                self._fill(source, scope)
            for item in items:
                self._anchor_joined(item, scope)
            for condition in conjuncts(where):
                self._anchor(condition, scope, scope.sources)
            for source in scope.sources:
                source.settle()
        for source in scope.sources:
            self._note(source)
        return scope

    def _enter(self, item: Node, scope: Scope) -> list[Source]:
        kind, node = only(item)
        if kind == "JoinExpr":
            return [*self._enter(node["larg"], scope), *self._enter(node["rarg"], scope)]
        if kind == "RangeVar" and ("schemaname" in node or node["relname"] not in scope.ctes):
            source = self._table(node)
        elif kind in {"RangeVar", "RangeSubselect", "RangeFunction"}:
            source = Source(node.get("alias", {}).get("aliasname") or node.get("relname", ""), item)
        else:
            raise NotImplementedError(f"there is no rule for {kind} in FROM yet")
        scope.sources.append(source)
        return [source]

    def _table(self, node: Node) -> Source:
        known = self._tables.get(node["relname"], Table())
        return Source(node.get("alias", {}).get("aliasname", node["relname"]), node, known)

    def _note(self, source: Source) -> None:
        if source.table is not None:
            self._found[id(source.node)] = Access(source.node["relname"], source.level)

    def _fill(self, source: Source, scope: Scope) -> None:
        """Find the levels of the columns of what is no table."""
        if source.table is not None:
            return
        kind, node = only(source.node)
        names = strings(node.get("alias", {}).get("colnames", ()))
        if kind == "RangeVar":
            source.columns = _renamed(scope.ctes[node["relname"]], names)
        elif kind == "RangeSubselect":
            source.columns = _renamed(self._statement(*only(node["subquery"]), scope), names)
        else:
            level = min((self._weakest(item, scope) for item in node["functions"]), default=Level.GIVEN)
            source.columns = dict.fromkeys([*names, source.name, "ordinality"], level) | ({} if names else {"*": level})

    def _anchor_joined(self, item: Node, scope: Scope) -> None:
        kind, node = only(item)
        if kind != "JoinExpr":
            return
        self._anchor_joined(node["larg"], scope)
        self._anchor_joined(node["rarg"], scope)
        left, right = _names(node["larg"]), _names(node["rarg"])
        sides = {"JOIN_INNER": left | right, "JOIN_LEFT": right, "JOIN_RIGHT": left}.get(node["jointype"], set())
        targets = [source for source in scope.sources if source.name in sides]
        for condition in conjuncts(node.get("quals")):
            self._anchor(condition, scope, targets)
        for column in strings(node.get("usingClause", ())):
            having = [source for source in scope.sources if source.name in left | right and source.has(column)]
            for source in targets:
                for other in having:
                    if source is not other and source in having and (source.name in left) != (other.name in left):
                        source.anchor(column, other.of(column))

    def _anchor(self, condition: Node, scope: Scope, targets: Sequence[Source]) -> None:
        """Note what an equality says of the sources that it may restrict."""
        for pair in equal_pairs(condition):
            for this, other in (pair, pair[::-1]):
                kind, node = only(this)
                if kind != "ColumnRef":
                    continue
                source = scope.find(path(node))
                if source is not None and any(source is target for target in targets):
                    source.anchor(path(node)[-1], self._level(other, scope))

    def _level(self, expression: Node, scope: Scope) -> Level:
        """Tell what an expression takes over to a column that equals it."""
        kind, node = only(expression)
        if kind == "ParamRef":
            return Level.GIVEN
        if kind == "ColumnRef":
            source = scope.find(path(node))
            return source.of(path(node)[-1]) if source else Level.NOTHING
        if kind == "TypeCast":
            return self._level(node["arg"], scope)
        if kind == "List":
            return min(self._level(item, scope) for item in node["items"])
        if kind == "SubLink" and node["subLinkType"] in {"ANY_SUBLINK", "EXPR_SUBLINK", "ARRAY_SUBLINK"}:
            return min(self._statement(*only(node["subselect"]), scope).values(), default=Level.NOTHING)
        return Level.NOTHING

    def _weakest(self, node: object, scope: Scope) -> Level:
        """Tell the lowest level of all that an expression is made from; GIVEN where it reads no rows."""
        levels = [Level.GIVEN]
        if isinstance(node, Mapping):
            if "ColumnRef" in node or "SubLink" in node:
                return self._level(node, scope)
            levels += [self._weakest(item, scope) for item in node.values()]
        elif isinstance(node, list):
            levels += [self._weakest(item, scope) for item in node]
        return min(levels)

    def _look_into(self, part: object, scope: Scope) -> None:
        for query in inner_queries(part):
            self._statement(*only(query["subselect"]), scope)

    def _results(self, targets: Sequence[Node], scope: Scope) -> Columns:
        found: Columns = {}
        for item in targets:
            target = item["ResTarget"]
            kind, node = only(target["val"])
            column = path(node) if kind == "ColumnRef" else []
            if column[-1:] == ["*"]:
                found |= _all_columns([source for source in scope.sources if column[:-1] in ([], [source.name])])
            else:
                found[target.get("name") or (column or [f"?{len(found)}"])[-1]] = self._weakest(target["val"], scope)
        return found


def _all_columns(sources: Sequence[Source]) -> Columns:
    found: Columns = {}
    for source in sources:
        found |= dict.fromkeys(source.table.columns, source.level) if source.table else source.columns
    return found


def _meets(target: Source, conflict: Node) -> Level:
    """Tell how the row that an insert may change is found: never by a name alone that two platforms may have."""
    columns = {item["IndexElem"].get("name") for item in conflict.get("infer", {}).get("indexElems", ())}
    same = [[target.name, "platform_id"], ["excluded", "platform_id"]]
    held = [
        sorted(path(only(side)[1]) for side in pair if "ColumnRef" in side)
        for condition in conjuncts(conflict.get("whereClause"))
        for pair in equal_pairs(condition)
    ]
    if "platform_id" in columns or sorted(same) in held:
        return Level.PLATFORM
    keys = target.table.keys if target.table else frozenset()
    return Level.KEY if any(key <= columns for key in keys) else Level.NOTHING


def _names(item: Node) -> set[str]:
    """Give the names of the sources of a FROM's item."""
    kind, node = only(item)
    if kind == "JoinExpr":
        return _names(node["larg"]) | _names(node["rarg"])
    return {node.get("alias", {}).get("aliasname") or node.get("relname", "")}


def _renamed(columns: Columns, names: Sequence[str]) -> Columns:
    """Give columns other names, in their order."""
    levels: Iterator[Level] = iter(columns.values())
    weakest = min(columns.values(), default=Level.NOTHING)
    return columns if not names else {name: next(levels, weakest) for name in names}

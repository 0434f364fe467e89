"""Which public names a file of programs uses, read from its syntax: `dg.Name`, aliases of it, and members of what it makes.

Nothing counts that is only spelt alike: a member counts where the object is known to be of its class.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

# What functions and methods give. Methods of conditions give conditions.
_GIVES = {
    "materialize": "ExecuteInProcessResult",
    "materialize_to_memory": "ExecuteInProcessResult",
    "instance_for_test": "DagsterInstance",
    "build_asset_context": "AssetExecutionContext",
    "DagsterInstance.ephemeral": "DagsterInstance",
    "DagsterInstance.get": "DagsterInstance",
    "DagsterInstance.local_temp": "DagsterInstance",
    "AssetExecutionContext.instance": "DagsterInstance",
}
# What the recorder asks of every result that is given to `note.run` (see recorder.py).
_ASKED_BY_RUN = ("success", "all_events", "get_asset_materialization_events", "get_asset_check_evaluations")
_ASSET_DECORATORS = frozenset({"asset", "multi_asset"})


@dataclass(frozen=True)
class _Name:
    """A reference to a public name: "AutomationCondition", or "AutomationCondition.eager"."""

    path: str


@dataclass(frozen=True)
class _Object:
    """A value of a public class."""

    owner: str


_Known = _Name | _Object | None


@dataclass
class UsesInFile(ast.NodeVisitor):
    """Walks a file in order, knowing what its names stand for; `found` is what was used since it was last emptied."""

    found: set[str] = field(default_factory=set)
    scopes: list[dict[str, _Known]] = field(default_factory=lambda: [{}])
    # What objects of the file's own classes hold, by the name of the attribute, and what its own functions give.
    held: dict[str, _Known] = field(default_factory=dict)
    given: list[_Known] = field(default_factory=list)

    def names_in(self, node: ast.AST) -> set[str]:
        """Return the names that a statement of a module uses, and remember what it binds."""
        self.found = set()
        self.visit(node)
        return self.found

    # ----------------------------------------------------------------------------------------------- what is known

    def kind_of(self, node: ast.AST | None) -> _Known:
        """Return what an expression stands for, as far as it is known."""
        match node:
            case ast.Name(id=name):
                return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)
            case ast.Attribute(value=ast.Name(id="dg"), attr=name):
                return _Name(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self.held.get(name)
            case ast.Attribute(value=value, attr=name):
                of = self.kind_of(value)
                if isinstance(of, _Name):
                    return _Name(f"{of.path}.{name}")
                if isinstance(of, _Object):
                    given = _GIVES.get(f"{of.owner}.{name}")
                    return _Object(given) if given else None
            case ast.Call(func=ast.Attribute(attr="execute_in_process")):
                return _Object("ExecuteInProcessResult")
            case ast.Call(func=function):
                return self._given_by(function)
            case ast.BinOp(left=left):
                return self._condition(left)
            case ast.UnaryOp(operand=operand):
                return self._condition(operand)
            case ast.Constant(value=str(text)):
                return _Name(text.removeprefix("dg.")) if text.startswith("dg.") else None
        return None

    def _condition(self, node: ast.AST) -> _Known:
        kind = self.kind_of(node)
        return kind if isinstance(kind, _Object) and kind.owner == "AutomationCondition" else None

    def _given_by(self, function: ast.AST) -> _Known:
        of = self.kind_of(function)
        if isinstance(of, _Object):
            # A name that is bound to a function of the file stands for what that gives.
            return of if isinstance(function, ast.Name) else None
        if isinstance(of, _Name):
            if of.path in _GIVES:
                return _Object(_GIVES[of.path])
            if of.path.startswith("AutomationCondition."):
                return _Object("AutomationCondition")
            return _Object(of.path) if of.path[:1].isupper() and "." not in of.path else None
        if isinstance(function, ast.Attribute):
            return self._condition(function.value)
        return None

    # -------------------------------------------------------------------------------------------------- what is used

    def visit_Attribute(self, node: ast.Attribute) -> None:
        kind = self.kind_of(node)
        of = self.kind_of(node.value)
        if isinstance(kind, _Name):
            self.found |= {kind.path, kind.path.partition(".")[0]}
        elif isinstance(of, _Object):
            self.found.add(f"{of.owner}.{node.attr}")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        kind = self.kind_of(node)
        if isinstance(kind, _Name) and isinstance(node.ctx, ast.Load):
            self.found |= {kind.path, kind.path.partition(".")[0]}

    def visit_Call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Attribute(value=ast.Name(id="note"), attr="run"):
                self.found |= {f"ExecuteInProcessResult.{name}" for name in _ASKED_BY_RUN}
                if any(keyword.arg == "outputs" for keyword in node.keywords) or len(node.args) > 2:
                    self.found.add("ExecuteInProcessResult.output_for_node")
        self.generic_visit(node)

    # ------------------------------------------------------------------------------------------------- what is bound

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if (node.module or "").partition(".")[0] == "dagster":
            for alias in node.names:
                self.scopes[-1][alias.asname or alias.name] = _Name(alias.name)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self._bind(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self._bind(node.target, node.value)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, item.context_expr)
        for statement in node.body:
            self.visit(statement)

    def _bind(self, target: ast.AST, value: ast.AST | None) -> None:
        match target, value:
            case ast.Name(id=name), _:
                self.scopes[-1][name] = self.kind_of(value)
            case ast.Attribute(value=ast.Name(id="self"), attr=name), _:
                self.held[name] = self.kind_of(value)
            case (ast.Tuple(elts=targets), ast.Tuple(elts=values)) if len(targets) == len(values):
                for each, its in zip(targets, values, strict=True):
                    self._bind(each, its)
            case ast.Tuple(elts=targets), _:
                for each in targets:
                    self._bind(each, None)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self._bind(node.target, None)
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    def visit_Return(self, node: ast.Return) -> None:
        self.generic_visit(node)
        self.given.append(self.kind_of(node.value))

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.scopes.append({each.arg: None for each in node.args.args})
        self.visit(node.body)
        self.scopes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.decorator_list, *node.args.defaults]:
            self.visit(part)
        arguments = [*node.args.args, *node.args.kwonlyargs]
        scope: dict[str, _Known] = {}
        for number, each in enumerate(arguments):
            if each.annotation is not None:
                self.visit(each.annotation)
            annotated = self.kind_of(each.annotation)
            if isinstance(annotated, _Name):
                self.found.add(annotated.path)
                scope[each.arg] = _Object(annotated.path)
            elif number == 0 and each.arg == "context" and each.annotation is None and self._is_asset(node):
                scope[each.arg] = _Object("AssetExecutionContext")
            else:
                scope[each.arg] = None
        if node.returns is not None:
            self.visit(node.returns)
        given, self.given = self.given, []
        self.scopes.append(scope)
        for statement in node.body:
            self.visit(statement)
        self.scopes.pop()
        kinds = set(self.given)
        self.given = given
        kind = kinds.pop() if len(kinds) == 1 else None
        self.scopes[-1][node.name] = kind if isinstance(kind, _Object) and not node.decorator_list else None

    visit_AsyncFunctionDef = visit_FunctionDef

    def _is_asset(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        decorators = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
        kinds = [self.kind_of(each) for each in decorators]
        return any(isinstance(kind, _Name) and kind.path in _ASSET_DECORATORS for kind in kinds)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = [self.kind_of(base) for base in node.bases]
        for part in [*node.bases, *node.keywords, *node.decorator_list]:
            self.visit(part)
        self.scopes.append({})
        for statement in node.body:
            # What a class overrides is called by the engine.
            if isinstance(statement, ast.FunctionDef):
                self.found |= {f"{base.path}.{statement.name}" for base in bases if isinstance(base, _Name)}
            self.visit(statement)
        self.scopes.pop()

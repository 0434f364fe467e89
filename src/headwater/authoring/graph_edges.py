"""What can be wrong with the edges of a graph: ends that are not there, circles, inputs and outputs that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headwater.authoring.composition import Collected, FanIn, GraphInput, NodeOutput, Source, StoredAsset
from headwater.authoring.nodes import NodeUse
from headwater.model.errors import InvalidDefinitionError, did_you_mean


def check_edges(
    graph: str,
    uses: Mapping[str, NodeUse],
    sources: Mapping[str, Mapping[str, Source]],
    output_sources: Mapping[str, Source],
) -> None:
    def check(source: Source, user: str) -> None:
        if isinstance(source, FanIn):
            for part in source.sources:
                check(part, user)
        elif isinstance(source, (NodeOutput, Collected)):
            if source.node not in uses:
                raise InvalidDefinitionError(
                    what=f'In graph "{graph}", {user} comes from node "{source.node}", which is not in the graph.',
                    why="There is nothing to wait for.",
                    fix=f"{did_you_mean(source.node, uses)}Its nodes are: {', '.join(uses)}.",
                )
            outs = uses[source.node].definition.outs
            if source.output not in outs:
                raise InvalidDefinitionError(
                    what=f'In graph "{graph}", {user} comes from output "{source.output}" of "{source.node}".',
                    why="That node has no such output.",
                    fix=f"{did_you_mean(source.output, outs)}Its outputs are: {', '.join(outs) or 'none'}.",
                )

    for node, of_node in sources.items():
        if node not in uses:
            raise InvalidDefinitionError(
                what=f'Graph "{graph}" maps an input of node "{node}", which is not in the graph.',
                why="There is nothing to feed.",
                fix=f"{did_you_mean(node, uses)}Its nodes are: {', '.join(uses)}.",
            )
        ins = uses[node].definition.ins
        for input_name, source in of_node.items():
            if input_name not in ins:
                raise InvalidDefinitionError(
                    what=f'In graph "{graph}", node "{node}" has no input "{input_name}".',
                    why="The value would have nowhere to go.",
                    fix=f"{did_you_mean(input_name, ins)}Its inputs are: {', '.join(ins) or 'none'}.",
                )
            check(source, f'input "{input_name}" of "{node}"')
    for name, source in output_sources.items():
        check(source, f'output "{name}"')


def refuse_cycles(graph: str, sources: Mapping[str, Mapping[str, Source]]) -> None:
    """Refuse nodes that wait for each other; only a graph that is composed by hand can have them."""
    upstream: dict[str, list[str]] = {}

    def nodes_of(source: Source) -> list[str]:
        if isinstance(source, FanIn):
            return [node for part in source.sources for node in nodes_of(part)]
        return [] if isinstance(source, (GraphInput, StoredAsset)) else [source.node]

    for node, of_node in sources.items():
        upstream[node] = [up for source in of_node.values() for up in nodes_of(source)]
    settled: set[str] = set()
    for start in upstream:
        path: list[str] = []
        pending = [(start, iter(upstream.get(start, ())))] if start not in settled else []
        on_path = {start}
        while pending:
            node, rest = pending[-1]
            if len(path) < len(pending):
                path.append(node)
            up = next((one for one in rest if one not in settled), None)
            if up is None:
                settled.add(node)
                on_path.discard(node)
                pending.pop()
                path.pop()
            elif up in on_path:
                circle = [up, *reversed(path[path.index(up) :])]
                raise InvalidDefinitionError(
                    what=f'Nodes of graph "{graph}" wait for each other in a circle: {" -> ".join(circle)}.',
                    why="None of them could run first.",
                    fix="Take one of these dependencies away.",
                )
            else:
                on_path.add(up)
                pending.append((up, iter(upstream.get(up, ()))))


def refuse_unused(
    kind: str, graph_name: str, parameters: Sequence[str], sources: Iterable[Mapping[str, Source]]
) -> None:
    used: set[str] = set()

    def note(source: Source) -> None:
        if isinstance(source, GraphInput):
            used.add(source.name)
        elif isinstance(source, FanIn):
            for part in source.sources:
                note(part)

    for of_node in sources:
        for source in of_node.values():
            note(source)
    for parameter in parameters:
        if parameter not in used:
            raise InvalidDefinitionError(
                what=f'The parameter "{parameter}" of {kind} "{graph_name}" is handed to no op.',
                why="Its value would be loaded for nothing.",
                fix="Hand it to an op, or remove it.",
            )


def check_outputs(kind: str, graph_name: str, declared: Sequence[str], returned: Mapping[str, Source]) -> None:
    for name in returned:
        if name not in declared:
            raise InvalidDefinitionError(
                what=f'{kind} "{graph_name}" returns "{name}", which out= does not name.',
                why="Nothing could ask for it.",
                fix=f"{did_you_mean(name, declared)}Its outputs are: {', '.join(declared)}.",
            )
    for name in declared:
        if name not in returned:
            raise InvalidDefinitionError(
                what=f'{kind} "{graph_name}" does not return "{name}", which out= names.',
                why="Whoever uses it would wait for nothing.",
                fix=f"{did_you_mean(name, returned)}Return a dict with {', '.join(declared)}, or take it out of out=.",
            )

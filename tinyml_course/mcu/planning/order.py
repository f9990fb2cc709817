"""The order of operators that keeps the fewest bytes alive, where a graph branches."""

import heapq
from collections.abc import Iterator

from tinyml_course.graph import Graph

MOST_STATES = 4096
"""Sets of finished operators that are looked at before the given order is kept."""


def memory_order(graph: Graph) -> Graph:
    """The graph with its operators in the order with the lowest peak of live bytes.

    A shortest path over sets of finished operators, where the length of a path is the most bytes
    alive on it (so it is exact for live bytes, nothing in place). A chain has one order only.

    Returns:
        The graph itself if there is no better order, or too many to look at.
    """
    search = _Search(graph)
    order = search.best()
    if order is None or order == list(range(len(graph.operators))):
        return graph
    operators = [graph.operators[index] for index in order]
    return Graph(graph.name, graph.tensors.values(), operators, graph.inputs, graph.outputs)


class _Search:
    """Operators and activations as bits, so that a set of finished operators is one integer."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        index = {o.outputs[0]: i for i, o in enumerate(graph.operators)}
        names = [tensor.name for tensor in graph.activations()]
        self.sizes = {name: graph.tensors[name].size_bytes for name in names}
        self.producer = {name: index.get(name) for name in names}
        self.readers = dict.fromkeys(names, 0)
        self.needs = []
        for i, operator in enumerate(graph.operators):
            needed = 0
            for tensor in graph.activations_of(operator):
                self.readers[tensor.name] |= 1 << i
                if tensor.name in index:
                    needed |= 1 << index[tensor.name]
            self.needs.append(needed)

    def ready(self, done: int) -> Iterator[int]:
        """Operators whose inputs exist."""
        for i, needed in enumerate(self.needs):
            if not done >> i & 1 and needed & done == needed:
                yield i

    def live_bytes(self, done: int) -> int:
        """Bytes that wait for an operator that is not done, or leave at the end."""
        total = 0
        for name, size in self.sizes.items():
            producer = self.producer[name]
            exists = producer is None or done >> producer & 1
            if exists and (self.readers[name] & ~done or name in self.graph.outputs):
                total += size
        return total

    def has_choice(self) -> bool:
        """Whether two operators are ever ready at once, in the given order."""
        done = 0
        for i in range(len(self.needs)):
            if len(list(self.ready(done))) > 1:
                return True
            done |= 1 << i
        return False

    def best(self) -> list[int] | None:
        """The order, or ``None`` where there is no choice, or too much of it."""
        if not self.has_choice():
            return None
        everything = (1 << len(self.needs)) - 1
        # Peak so far, then fewest operators left, then the given order among equals.
        frontier: list[tuple[int, int, list[int], int]] = [(0, len(self.needs), [], 0)]
        seen: set[int] = set()
        while frontier:
            peak, left, order, done = heapq.heappop(frontier)
            if done == everything:
                return order
            if done in seen:
                continue
            seen.add(done)
            if len(seen) > MOST_STATES:
                return None
            before = self.live_bytes(done)
            for i in self.ready(done):
                during = before + self.sizes[self.graph.operators[i].outputs[0]]
                state = (max(peak, during), left - 1, [*order, i], done | 1 << i)
                heapq.heappush(frontier, state)
        return None

"""Channel axes while a network is traced: which of them must have the same channels."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tinyml_course.pruning.coupling.groups import ChannelGroup, ChannelSlice, Role


@dataclass(frozen=True)
class Segment:
    """A stretch of an axis that holds all channels of one space.

    Attributes:
        space: index of the space.
        size: its channels.
        repeat: neighbours that belong to one channel.
    """

    space: int
    size: int
    repeat: int = 1

    @property
    def length(self) -> int:
        """Places along the axis."""
        return self.size * self.repeat


Layout = tuple[Segment, ...]
"""An axis, stretch by stretch; several behind a concatenation."""


def repeated(layout: Layout, times: int) -> Layout:
    """Every place ``times`` in a row, as a flattened map has its pixels."""
    return tuple(Segment(s.space, s.size, s.repeat * times) for s in layout)


@dataclass
class Spaces:
    """Sets of channels, and which of them have turned out to be one (union-find)."""

    sizes: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    fixed: dict[int, str] = field(default_factory=dict)
    axes: dict[tuple[str, int], tuple[Layout, Role]] = field(default_factory=dict)

    def new(self, size: int) -> Layout:
        """An axis of channels of its own."""
        self.sizes.append(size)
        self.parents.append(len(self.parents))
        return (Segment(len(self.sizes) - 1, size),)

    def root(self, space: int) -> int:
        """The space that stands for all that are one with it."""
        while self.parents[space] != space:
            space = self.parents[space]
        return space

    def join(self, first: Layout, second: Layout) -> None:
        """Make the channels of two axes the same, place by place.

        Where the axes are divided differently no removal could serve both: they are fixed.
        """
        shapes = [[(s.size, s.repeat) for s in layout] for layout in (first, second)]
        if shapes[0] != shapes[1]:
            self.fix(first + second, "joined with channels that are divided differently")
            return
        for a, b in zip(first, second, strict=True):
            low, high = sorted((self.root(a.space), self.root(b.space)))
            if low == high:
                continue
            self.parents[high] = low
            if high in self.fixed:
                self.fixed.setdefault(low, self.fixed.pop(high))

    def fix(self, layout: Layout, reason: str) -> None:
        """No channel of this axis may be removed."""
        for segment in layout:
            self.fixed.setdefault(self.root(segment.space), reason)

    def hold(self, parameter: str, axis: int, layout: Layout, role: Role) -> Layout:
        """A parameter's axis holds these channels; returns the layout by which it is known.

        A layer that is used twice must read, and give, the same channels each time.
        """
        known = self.axes.setdefault((parameter, axis), (layout, role))[0]
        if known is not layout:
            self.join(known, layout)
        return known

    def groups(self) -> list[ChannelGroup]:
        """The sets of channels, in the order in which they are made."""
        places: dict[int, list[ChannelSlice]] = {}
        for (parameter, axis), (layout, role) in self.axes.items():
            offset = 0
            for segment in layout:
                place = ChannelSlice(parameter, axis, offset, segment.repeat, role)
                places.setdefault(self.root(segment.space), []).append(place)
                offset += segment.length
        return list(self._named(places))

    def _named(self, places: dict[int, list[ChannelSlice]]) -> Iterator[ChannelGroup]:
        for root in sorted(places):
            slices = places[root]
            makers = [place.layer for place in slices if place.role == "makes"]
            name = makers[0] if makers else "input"
            yield ChannelGroup(name, self.sizes[root], tuple(slices), self.fixed.get(root, ""))

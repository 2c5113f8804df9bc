"""The caseloads that are known, and at what prices of the engagements they prove the most."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from solver.caseloads import OPTIONS
from solver.grid import IntArray
from solver.kernel import allocating_kernel
from solver.schedule import FINE
from solver.subgradient import maximize

REACH = 0.002
"""How far above the best value a step aims, as a share of it."""

STEPS = 1000
"""Steps of one call: a bound on its time; most calls end before."""


class Caseload(NamedTuple):
    """A set of engagements for one expert, with dates."""

    expert: int
    engagements: IntArray  # (m,)
    pairs: IntArray  # (m,)
    counts: IntArray  # (m,) sessions of each, pinned ones included
    days: IntArray  # (m, 5)
    minutes: IntArray  # (m, 5)
    own: IntArray  # (m,) what each engagement costs
    cost: int
    """What all of them cost, and the overload; NEVER where no dates were found."""
    least: int
    """A lower bound of it."""


class Pool:
    """Caseloads by number, in the order in which they came."""

    def __init__(self, experts: int) -> None:
        self.caseloads: list[Caseload] = []
        self.least = np.empty(0, dtype=np.int64)
        self.owner = np.empty(0, dtype=np.int64)
        self._members = np.empty(0, dtype=np.int64)
        self._offset = np.zeros(1, dtype=np.int64)
        self._numbers: list[dict[bytes, int]] = [{} for _ in range(experts)]

    def __len__(self) -> int:
        """How many are known."""
        return len(self.caseloads)

    def number(self, expert: int, pairs: IntArray, counts: IntArray) -> int | None:
        """The number of a caseload, None where it is not known."""
        return self._numbers[expert].get(_key(pairs, counts))

    def add(self, found: Sequence[Caseload]) -> None:
        """Know these too; none of them was."""
        for number, each in enumerate(found, start=len(self)):
            self._numbers[each.expert][_key(each.pairs, each.counts)] = number
        self.caseloads += found
        self.least = np.append(self.least, [each.least for each in found]).astype(np.int64)
        self.owner = np.append(self.owner, [each.expert for each in found]).astype(np.int64)
        self._members = np.concatenate([self._members, *(each.engagements for each in found)])
        sizes = np.cumsum([len(each.engagements) for each in found], dtype=np.int64)
        self._offset = np.append(self._offset, self._offset[-1] + sizes)

    def learn_dates(self, planned: Caseload) -> int:
        """Take over the dates of a caseload that is known, where they cost less; its number."""
        number = self._numbers[planned.expert][_key(planned.pairs, planned.counts)]
        known = self.caseloads[number]
        if planned.cost < known.cost:
            self.caseloads[number] = planned._replace(least=known.least)
        return number

    def surplus(self, worth: IntArray) -> IntArray:
        """What each caseload (n,) costs at least, less what it is worth, in 1 / FINE."""
        value = FINE * self.least
        if len(self):
            value -= np.add.reduceat(worth[self._members], self._offset[:-1])
        return value

    def cheapest(self, surplus: IntArray) -> IntArray:
        """The least surplus of each expert's known caseloads (E,); none at all is 0."""
        cheapest = np.zeros(len(self._numbers), dtype=np.int64)
        np.minimum.at(cheapest, self.owner, surplus)
        return cheapest

    def price(self, nobody: IntArray, worth: IntArray, width: int) -> tuple[int, IntArray]:
        """The highest value found, and what serving engagements is worth there (A,).

        The value, in 1 / FINE, is that of the linear program over these caseloads alone, at
        prices within `width` of `worth`.
        """
        experts = len(self._numbers)
        evaluate = partial(
            _evaluate, nobody, experts, self.least, self.owner, self._members, self._offset
        )
        return maximize(evaluate, worth, worth - width, worth + width, reach=REACH, steps=STEPS)


@allocating_kernel
def _evaluate(
    nobody: IntArray,
    experts: int,
    least: IntArray,
    owner: IntArray,
    members: IntArray,
    offset: IntArray,
    worth: IntArray,
    missing: IntArray,
) -> int:
    """The Lagrangian value at what engagements are worth; `missing` is its subgradient."""
    value = 0
    for a in range(len(nobody)):
        value += min(worth[a], FINE * nobody[a])
        missing[a] = 1 if worth[a] <= FINE * nobody[a] else 0
    surplus, choice = np.zeros(experts, np.int64), np.full(experts, -1)
    for number in range(len(least)):
        own = FINE * least[number]
        for i in range(offset[number], offset[number + 1]):
            own -= worth[members[i]]
        if own < surplus[owner[number]]:
            surplus[owner[number]], choice[owner[number]] = own, number
    for expert in range(experts):
        value += surplus[expert]
        if choice[expert] >= 0:
            for i in range(offset[choice[expert]], offset[choice[expert] + 1]):
                missing[members[i]] -= 1
    return value


def _key(pairs: IntArray, counts: IntArray) -> bytes:
    """What tells one caseload of an expert from another."""
    key: IntArray = np.sort(pairs * OPTIONS + counts)
    return key.tobytes()

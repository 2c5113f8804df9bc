"""A better choice of caseloads, where there are too many to choose among all at once.

Large-neighbourhood search over whole caseloads: a few experts who could serve each other's
engagements give theirs up, and CP-SAT finds the best choice among their caseloads, proven for
that neighbourhood (Shaw 1998; on columns: Danna, Le Pape 2005). Neighbourhoods that share no expert
and no engagement are solved side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor

import numpy as np

from solver.grid import IntArray
from solver.master import choose_caseloads
from solver.pool import Caseload

EXPERTS = 25
"""Experts of a neighbourhood: with twice as many it is seldom closed, with half it seldom gains."""

LANES = 2
"""Neighbourhoods at a time, whatever the number of threads: the choice shall not depend on that."""

PATIENCE = 40
"""Neighbourhoods in a row without a gain after which the search ends."""

STRANGERS = 20
"""Draws without a new expert after which a neighbourhood stays smaller."""


class Selection:
    """One caseload for each expert, improved neighbourhood by neighbourhood."""

    def __init__(
        self,
        caseloads: Sequence[Caseload],
        taken: Iterable[int],
        nobody: IntArray,
        executor: Executor,
        seed: int,
        lanes: int = LANES,
    ) -> None:
        """`taken` are the numbers of the caseloads to start from; `nobody` (A,) as in `master`."""
        self._caseloads = caseloads
        self._nobody = nobody
        self._executor, self._lanes = executor, lanes
        self._random = np.random.default_rng(seed)
        self._members = [frozenset(each.engagements.tolist()) for each in caseloads]
        self._of_expert: dict[int, list[int]] = {}
        self._experts_of: dict[int, list[int]] = {}
        for number, each in enumerate(caseloads):
            self._of_expert.setdefault(each.expert, []).append(number)
        for expert, own in self._of_expert.items():
            for a in frozenset().union(*(self._members[number] for number in own)):
                self._experts_of.setdefault(a, []).append(expert)
        self._experts = list(self._of_expert)
        self.taken = {caseloads[number].expert: number for number in taken}

    def improve(
        self, limits: dict[str, float], stop: Callable[[], bool], most: int | None = None
    ) -> None:
        """Solve neighbourhoods until `stop`, at the `most`, or until they bring nothing."""
        idle, done = 0, 0
        while idle < PATIENCE and not stop() and (most is None or done < most):
            groups = self._draw()
            if not groups:
                return
            free = self._free(groups)
            futures = [
                self._executor.submit(self._solve, group, engagements, limits, done + lane)
                for lane, (group, engagements) in enumerate(zip(groups, free, strict=True))
            ]
            gained = False
            for group, future in zip(groups, futures, strict=True):
                chosen, gain = future.result()
                if gain > 0:
                    gained = True
                    for expert in group:
                        self.taken.pop(expert, None)
                    self.taken |= {self._caseloads[n].expert: n for n in chosen}
            done += len(groups)
            idle = 0 if gained else idle + len(groups)

    def _draw(self) -> list[list[int]]:
        """Groups of related experts, one for each lane, that share none."""
        used: set[int] = set()
        groups = []
        size = min(EXPERTS, max(1, len(self._experts) // self._lanes))
        for _ in range(self._lanes):
            left = [expert for expert in self._experts if expert not in used]
            if not left:
                break
            group = [self._pick(left)]
            used.add(group[0])
            failed = 0
            while len(group) < size and failed < STRANGERS:
                expert = self._relative(group)
                if expert in used:
                    failed += 1
                    continue
                group.append(expert)
                used.add(expert)
                failed = 0
            groups.append(group)
        return groups

    def _relative(self, group: Sequence[int]) -> int:
        """An expert who could serve an engagement that one of the group could serve."""
        own = self._of_expert[self._pick(group)]
        members = sorted(self._members[self._pick(own)])
        return self._pick(self._experts_of[self._pick(members)])

    def _pick(self, numbers: Sequence[int]) -> int:
        return numbers[int(self._random.integers(len(numbers)))]

    def _free(self, groups: Sequence[Sequence[int]]) -> list[set[int]]:
        """The engagements that each group may serve: its own, and a share of those unserved."""
        served: set[int] = set()
        for number in self.taken.values():
            served |= self._members[number]
        left = [a for a in range(len(self._nobody)) if a not in served]
        free = []
        for lane, group in enumerate(groups):
            own = set(left[lane :: len(groups)])
            for expert in group:
                if expert in self.taken:
                    own |= self._members[self.taken[expert]]
            free.append(own)
        return free

    def _solve(
        self, group: Sequence[int], free: set[int], limits: dict[str, float], seed: int
    ) -> tuple[list[int], int]:
        """The best caseloads for a group, and what they save."""
        numbers = [
            n for expert in group for n in self._of_expert[expert] if self._members[n] <= free
        ]
        taken = np.array([self.taken.get(self._caseloads[n].expert) == n for n in numbers])
        costs = np.array([self._caseloads[n].cost for n in numbers], dtype=np.int64)
        chosen, _ = choose_caseloads(
            [self._caseloads[n] for n in numbers],
            costs,
            self._nobody,
            sorted(free),
            taken,
            0,
            limits,
            seed,
        )
        if chosen is None:
            return [], 0
        now = [numbers[i] for i in chosen]
        before = [self.taken[expert] for expert in group if expert in self.taken]
        return now, self._cost(before, free) - self._cost(now, free)

    def _cost(self, numbers: Iterable[int], free: set[int]) -> int:
        """What caseloads cost, and the engagements of `free` that none of them serves."""
        left, cost = set(free), 0
        for number in numbers:
            left -= self._members[number]
            cost += self._caseloads[number].cost
        return cost + sum(int(self._nobody[a]) for a in left)

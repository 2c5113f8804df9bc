"""Whether the experts' caps alone leave no room for all sessions, whoever holds them.

Calendars are left aside, and the sessions of one engagement may go to several experts. What is
left is a flow f from engagements to the experts who may serve them,

    sum_x f(e, x) = the sessions of e that are not pinned
    sum_e f(e, x) <= max_total of x - the pinned sessions of x

so where there is no such flow, there is no plan.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from solver.problem import Engagement, Problem

FIRST, LAST = 0, 1
"""The nodes from which all flows, and to which."""


def exceeds_caps(problem: Problem) -> bool:
    """Whether no plan gives every engagement all its sessions, by the caps of all experts."""
    from ortools.graph.python import max_flow  # noqa: PLC0415  loading it takes a while

    left = {each.id: each.max_total for each in problem.experts}
    for engagement in problem.engagements:
        for pin in engagement.pinned:
            left[pin.expert] -= 1
    node = {id: number for number, id in enumerate(left, LAST + 1)}
    arcs = [(node[expert], LAST, max(0, rest)) for expert, rest in left.items()]
    wanted = 0
    for number, engagement in enumerate(problem.engagements, LAST + 1 + len(left)):
        sessions = len(engagement.durations) - len(engagement.pinned)
        wanted += sessions
        arcs.append((FIRST, number, sessions))
        arcs += [(number, node[expert], sessions) for expert in _experts(engagement)]
    flow = max_flow.SimpleMaxFlow()
    flow.add_arcs_with_capacity(*np.array(arcs).reshape(-1, 3).T)
    return bool(flow.solve(FIRST, LAST) == flow.OPTIMAL and flow.optimal_flow() < wanted)


def _experts(engagement: Engagement) -> Iterator[str]:
    """Who may hold its sessions that are not pinned: rule 1."""
    if engagement.pinned and not engagement.reassign:
        yield max(engagement.pinned, key=lambda pin: pin.session).expert
    else:
        yield from (each.expert for each in engagement.candidates)

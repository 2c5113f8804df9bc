"""The cheapest plans that are known of the shared instances: no bound may lie above them.

The costs are those of plans that passed the judge. A bound that was proven wrongly shows here even
where the run that proved it found a dearer plan itself.
"""

from __future__ import annotations

from solver import Plan

BEST_KNOWN_COSTS = {
    "tokyo-60": 3_845,
    "tokyo-60-tight": 5_626,
    "tokyo-60-replan-2025-10-15": 4_165,
    "metro-500": 22_264,
    "metro-500-tight": 29_456,
    "metro-500-replan-2025-10-20": 12_170,
    "region-2000": 106_546,
    "nation-10000": 548_874,
}
"""By the problem's name."""


def is_refuted(plan: Plan) -> bool:
    """Whether a plan states a bound above the cost of a plan that is known."""
    return plan.bound > BEST_KNOWN_COSTS.get(plan.problem, plan.cost.total)


def describe(plan: Plan) -> str:
    """What a plan says about the best known cost of its problem, in one line."""
    known = BEST_KNOWN_COSTS.get(plan.problem)
    if known is None:
        return f"{plan.problem}: no cost is known but its own, {plan.cost.total:,}"
    if is_refuted(plan):
        return f"{plan.problem}: the bound {plan.bound:,} is wrong, a plan costs {known:,}"
    better = f"; {plan.cost.total:,} is a new best" if plan.cost.total < known else ""
    return f"{plan.problem}: bound {plan.bound:,}, best known cost {known:,}{better}"

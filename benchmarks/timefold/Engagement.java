package dispatch;

import ai.timefold.solver.core.api.domain.entity.PlanningEntity;
import ai.timefold.solver.core.api.domain.lookup.PlanningId;
import ai.timefold.solver.core.api.domain.variable.PlanningVariable;

/** What is planned: which visits an engagement gets; none while it has no more than its pinned sessions. */
@PlanningEntity
public class Engagement {
    @PlanningId
    public int index;

    private Visits visits;

    public Engagement() {}

    Engagement(int index) {
        this.index = index;
    }

    @PlanningVariable(valueRangeProviderRefs = "visits", allowsUnassigned = true)
    public Visits getVisits() {
        return visits;
    }

    public void setVisits(Visits visits) {
        this.visits = visits;
    }
}

package dispatch;

import ai.timefold.solver.core.api.score.director.ScoreDirector;
import ai.timefold.solver.core.impl.heuristic.move.AbstractMove;
import java.util.Collection;
import java.util.List;

/** Gives some engagements other visits, all at once. */
final class Reassign extends AbstractMove<Timetable> {
    private final List<Engagement> entities;
    private final List<Visits> visits;
    private final boolean changes;

    Reassign(List<Engagement> entities, List<Visits> visits, boolean changes) {
        this.entities = entities;
        this.visits = visits;
        this.changes = changes;
    }

    @Override
    public boolean isMoveDoable(ScoreDirector<Timetable> director) {
        return changes;
    }

    @Override
    protected void doMoveOnGenuineVariables(ScoreDirector<Timetable> director) {
        entities.forEach(each -> set(director, each, null));
        for (int index = 0; index < entities.size(); index++) {
            set(director, entities.get(index), visits.get(index));
        }
    }

    static void set(ScoreDirector<Timetable> director, Engagement entity, Visits visits) {
        director.beforeVariableChanged(entity, "visits");
        entity.setVisits(visits);
        director.afterVariableChanged(entity, "visits");
    }

    @Override
    public Collection<?> getPlanningEntities() {
        return entities;
    }

    @Override
    public Collection<?> getPlanningValues() {
        return visits;
    }
}

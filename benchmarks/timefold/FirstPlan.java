package dispatch;

import ai.timefold.solver.core.api.score.director.ScoreDirector;
import ai.timefold.solver.core.api.solver.phase.PhaseCommand;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;

/** Gives every engagement its cheapest visits, one after the other; who has the least choice goes first. */
public class FirstPlan implements PhaseCommand<Timetable> {
    @Override
    public void changeWorkingSolution(ScoreDirector<Timetable> director, BooleanSupplier isTerminated) {
        Timetable timetable = director.getWorkingSolution();
        ShortestPath paths = timetable.paths;
        List<Engagement> entities = timetable.engagements.stream()
                .sorted(Comparator.comparingLong((Engagement each) -> -paths.regret(each.index)))
                .toList();
        for (Engagement each : entities) {
            if (isTerminated.getAsBoolean()) {
                return;
            }
            Reassign.set(director, each, paths.best(each.index, null, 0));
        }
        director.triggerVariableListeners();
    }
}

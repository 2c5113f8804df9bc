package dispatch;

import ai.timefold.solver.core.api.score.buildin.simplelong.SimpleLongScore;
import ai.timefold.solver.core.api.score.calculator.IncrementalScoreCalculator;

/** The cost of a timetable, by difference: each change takes an engagement's visits out and puts others in. */
public class Cost implements IncrementalScoreCalculator<Timetable, SimpleLongScore> {
    private Calendars calendars;

    @Override
    public void resetWorkingSolution(Timetable timetable) {
        calendars = timetable.calendars;
        calendars.reset(timetable.engagements);
    }

    @Override
    public void beforeVariableChanged(Object entity, String variable) {
        calendars.take(((Engagement) entity).index, ((Engagement) entity).getVisits());
    }

    @Override
    public void afterVariableChanged(Object entity, String variable) {
        calendars.put(((Engagement) entity).index, ((Engagement) entity).getVisits());
    }

    @Override
    public SimpleLongScore calculateScore() {
        return SimpleLongScore.of(-calendars.cost);
    }

    @Override
    public void beforeEntityAdded(Object entity) {}

    @Override
    public void afterEntityAdded(Object entity) {}

    @Override
    public void beforeEntityRemoved(Object entity) {}

    @Override
    public void afterEntityRemoved(Object entity) {}
}

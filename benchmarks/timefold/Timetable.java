package dispatch;

import ai.timefold.solver.core.api.domain.solution.PlanningEntityCollectionProperty;
import ai.timefold.solver.core.api.domain.solution.PlanningScore;
import ai.timefold.solver.core.api.domain.solution.PlanningSolution;
import ai.timefold.solver.core.api.domain.valuerange.ValueRangeProvider;
import ai.timefold.solver.core.api.score.buildin.simplelong.SimpleLongScore;
import java.util.List;
import java.util.stream.IntStream;

/** A plan as Timefold holds it. Every move keeps every hard rule, so the score is the cost alone, negated. */
@PlanningSolution
public class Timetable {
    @PlanningEntityCollectionProperty
    public List<Engagement> engagements;

    /** Never chosen from: visits are made by the shortest path, but Timefold does not search without a value. */
    @ValueRangeProvider(id = "visits")
    public List<Visits> visits = List.of(new Visits(Instance.NONE, new int[0], new int[0], 0));

    @PlanningScore
    public SimpleLongScore score;

    /** The working calendars; only those of the working solution are kept up to date, by the score calculator. */
    Calendars calendars;

    ShortestPath paths;

    public Timetable() {}

    Timetable(Calendars calendars) {
        this.calendars = calendars;
        paths = new ShortestPath(calendars);
        engagements = IntStream.range(0, calendars.instance.engagements).mapToObj(Engagement::new).toList();
    }

    Instance instance() {
        return calendars.instance;
    }
}

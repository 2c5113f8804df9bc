package dispatch;

import ai.timefold.solver.core.api.score.buildin.simplelong.SimpleLongScore;
import ai.timefold.solver.core.api.solver.Solver;
import ai.timefold.solver.core.api.solver.SolverFactory;
import ai.timefold.solver.core.config.heuristic.selector.move.MoveSelectorConfig;
import ai.timefold.solver.core.config.heuristic.selector.move.composite.UnionMoveSelectorConfig;
import ai.timefold.solver.core.config.heuristic.selector.move.factory.MoveIteratorFactoryConfig;
import ai.timefold.solver.core.config.localsearch.LocalSearchPhaseConfig;
import ai.timefold.solver.core.config.localsearch.decider.acceptor.LocalSearchAcceptorConfig;
import ai.timefold.solver.core.config.localsearch.decider.forager.LocalSearchForagerConfig;
import ai.timefold.solver.core.config.phase.custom.CustomPhaseConfig;
import ai.timefold.solver.core.config.score.director.ScoreDirectorFactoryConfig;
import ai.timefold.solver.core.config.solver.EnvironmentMode;
import ai.timefold.solver.core.config.solver.SolverConfig;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Main NUMBERS NAMES PLAN CURVE SECONDS SEED: plans with Timefold, a line `cost,bound` at each better plan. */
public final class Main {
    private static final long MILLISECONDS_TO_WRITE = 700;

    /** Simulated annealing begins by accepting a plan that is dearer by this with probability 1/e. */
    private static final String STARTING_TEMPERATURE = "10";

    public static void main(String[] arguments) throws Exception {
        long limit = Math.round(1000 * Double.parseDouble(arguments[4])) - MILLISECONDS_TO_WRITE;
        Instance instance = Instance.read(Path.of(arguments[0]), Path.of(arguments[1]));
        Timetable problem = new Timetable(new Calendars(instance));
        Timetable best;
        try (PrintWriter curve = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[3])))) {
            long spent = System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime();
            curve.println("cost,bound");
            SolverConfig config = configuration(Math.max(100, limit - spent), Long.parseLong(arguments[5]));
            Solver<Timetable> solver = SolverFactory.<Timetable>create(config).buildSolver();
            solver.addEventListener(event -> {
                curve.println(-((SimpleLongScore) event.getNewBestScore()).score() + ",0");
                curve.flush();
            });
            best = solver.solve(problem);
        }
        instance.writePlan(Path.of(arguments[2]), best.engagements);
    }

    private static SolverConfig configuration(long milliseconds, long seed) {
        return new SolverConfig()
                .withSolutionClass(Timetable.class)
                .withEntityClasses(Engagement.class)
                .withScoreDirectorFactory(
                        new ScoreDirectorFactoryConfig().withIncrementalScoreCalculatorClass(Cost.class))
                .withEnvironmentMode(EnvironmentMode.NO_ASSERT)
                .withRandomSeed(seed)
                .withTerminationSpentLimit(Duration.ofMillis(milliseconds))
                .withPhases(
                        new CustomPhaseConfig().withCustomPhaseCommandClassList(List.of(FirstPlan.class)),
                        new LocalSearchPhaseConfig()
                                .withMoveSelectorConfig(new UnionMoveSelectorConfig(
                                        List.of(
                                                moves(Moves.PutOneElsewhere.class, 1),
                                                moves(Moves.SwapTwo.class, 2),
                                                moves(Moves.RuinSeveral.class, 1))))
                                .withAcceptorConfig(new LocalSearchAcceptorConfig()
                                        .withSimulatedAnnealingStartingTemperature(STARTING_TEMPERATURE))
                                .withForagerConfig(new LocalSearchForagerConfig().withAcceptedCountLimit(1)));
    }

    private static MoveSelectorConfig<?> moves(Class<? extends Moves> factory, double share) {
        return new MoveIteratorFactoryConfig()
                .withMoveIteratorFactoryClass(factory)
                .withFixedProbabilityWeight(share);
    }
}

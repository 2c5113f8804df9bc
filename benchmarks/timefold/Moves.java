package dispatch;

import ai.timefold.solver.core.api.score.director.ScoreDirector;
import ai.timefold.solver.core.impl.heuristic.selector.move.factory.MoveIteratorFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Moves that fit the problem. Each takes some engagements whole out of the calendars and puts them back with their
 * cheapest visits, expert and dates; what comes out is a move like any other, for Timefold to accept or not.
 */
abstract class Moves implements MoveIteratorFactory<Timetable, Reassign> {
    /** Pairs that are passed over when an engagement is put back, so that it does not always end where it was. */
    private static final double BLINK = 0.05;

    Timetable timetable;
    Random random;

    @Override
    public long getSize(ScoreDirector<Timetable> director) {
        return director.getWorkingSolution().engagements.size();
    }

    @Override
    public Iterator<Reassign> createOriginalMoveIterator(ScoreDirector<Timetable> director) {
        throw new UnsupportedOperationException("local search selects moves at random");
    }

    @Override
    public Iterator<Reassign> createRandomMoveIterator(ScoreDirector<Timetable> director, Random random) {
        timetable = director.getWorkingSolution();
        this.random = random;
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Reassign next() {
                return nextMove();
            }
        };
    }

    abstract Reassign nextMove();

    Engagement anyEngagement() {
        return timetable.engagements.get(random.nextInt(timetable.engagements.size()));
    }

    /** A pair of an engagement, the cheaper the likelier. */
    int anyPair(int a) {
        double share = random.nextDouble();
        return timetable.paths.pair(a, (int) (timetable.paths.pairs(a) * share * share));
    }

    int expert(Engagement entity) {
        return entity.getVisits() == null ? Instance.NONE : timetable.instance().pairExpert[entity.getVisits().pair()];
    }

    Engagement anyMember(int expert) {
        int count = timetable.calendars.memberCount[expert];
        return count == 0
                ? null
                : timetable.engagements.get(timetable.calendars.members[expert][random.nextInt(count)]);
    }

    /** Put engagements back in this order, the pairs given, the cheapest where none is given. */
    Reassign putBack(List<Engagement> entities, int... pairs) {
        Calendars calendars = timetable.calendars;
        entities.forEach(each -> calendars.take(each.index, each.getVisits()));
        List<Visits> found = new ArrayList<>(entities.size());
        boolean changes = false;
        for (int index = 0; index < entities.size(); index++) {
            Engagement each = entities.get(index);
            Visits visits = index < pairs.length
                    ? timetable.paths.with(pairs[index], random)
                    : timetable.paths.best(each.index, random, BLINK);
            calendars.put(each.index, visits);
            found.add(visits);
            changes |= visits == null ? each.getVisits() != null : !visits.sameAs(each.getVisits());
        }
        for (int index = 0; index < entities.size(); index++) {
            calendars.take(entities.get(index).index, found.get(index));
        }
        entities.forEach(each -> calendars.put(each.index, each.getVisits()));
        return new Reassign(entities, found, changes);
    }

    /** One engagement to its best place, or to a given expert. */
    public static class PutOneElsewhere extends Moves {
        @Override
        Reassign nextMove() {
            Engagement one = anyEngagement();
            if (timetable.paths.pairs(one.index) == 0 || random.nextBoolean()) {
                return putBack(List.of(one));
            }
            return putBack(List.of(one), anyPair(one.index));
        }
    }

    /** Two engagements change experts, or one takes an expert from another that goes where it is best. */
    public static class SwapTwo extends Moves {
        @Override
        Reassign nextMove() {
            Engagement one = anyEngagement();
            if (timetable.paths.pairs(one.index) == 0) {
                return putBack(List.of(one));
            }
            int wanted = anyPair(one.index);
            Engagement other = anyMember(timetable.instance().pairExpert[wanted]);
            if (other == null || other == one) {
                return putBack(List.of(one), wanted);
            }
            int back = timetable.instance().pairOf(other.index, expert(one));
            return back == Instance.NONE || random.nextBoolean()
                    ? putBack(List.of(one, other), wanted)
                    : putBack(List.of(one, other), wanted, back);
        }
    }

    /** Up to eight engagements of two or three experts, each to its best place. */
    public static class RuinSeveral extends Moves {
        private static final int MOST = 8;

        @Override
        Reassign nextMove() {
            Engagement first = anyEngagement();
            Set<Engagement> entities = new LinkedHashSet<>(List.of(first));
            if (timetable.paths.pairs(first.index) > 0) {
                int[] experts = {expert(first), expertOf(first), expertOf(first)};
                int count = 2 + random.nextInt(MOST - 1);
                for (int attempt = 0; attempt < 2 * MOST && entities.size() < count; attempt++) {
                    int expert = experts[random.nextInt(experts.length)];
                    Engagement member = expert == Instance.NONE ? null : anyMember(expert);
                    if (member != null) {
                        entities.add(member);
                    }
                }
            }
            List<Engagement> shuffled = new ArrayList<>(entities);
            Collections.shuffle(shuffled, random);
            return putBack(shuffled);
        }

        private int expertOf(Engagement entity) {
            return timetable.instance().pairExpert[anyPair(entity.index)];
        }
    }
}

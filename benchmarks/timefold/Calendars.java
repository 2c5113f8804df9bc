package dispatch;

import static dispatch.Instance.NONE;
import static dispatch.Instance.SESSIONS;

import java.util.Arrays;
import java.util.List;

/** What every expert has in the calendar, and the cost of it all, kept up to date visit by visit. */
final class Calendars {
    /** The cost of an engagement whose pinned sessions are not yet completed: no plan costs that much. */
    static final long UNSERVABLE = 1L << 46;

    final Instance instance;
    final int most;
    final int weeks;
    final int[] load; // (E)
    final int[] weekCount; // (E, weeks)
    final int[] dayCount; // (E, D)
    final int[] booked; // (E, D, most, 3): start and end minute, site
    final int[][] members; // by expert, the engagements whose free sessions the expert serves
    final int[] memberCount; // (E)
    long cost;

    Calendars(Instance instance) {
        this.instance = instance;
        most = Math.max(1, Arrays.stream(instance.maxPerDay).max().orElse(1));
        weeks = instance.weekOfDay[instance.days - 1] + 1;
        load = new int[instance.experts];
        weekCount = new int[instance.experts * weeks];
        dayCount = new int[instance.experts * instance.days];
        booked = new int[instance.experts * instance.days * most * 3];
        members = new int[instance.experts][];
        for (int expert = 0; expert < instance.experts; expert++) {
            members[expert] = new int[instance.maxTotal[expert] + 1];
        }
        memberCount = new int[instance.experts];
        reset(List.of());
    }

    /** Start anew from pinned sessions and these visits. */
    void reset(List<Engagement> entities) {
        Arrays.fill(load, 0);
        Arrays.fill(weekCount, 0);
        Arrays.fill(dayCount, 0);
        Arrays.fill(memberCount, 0);
        cost = 0;
        for (int a = 0; a < instance.engagements; a++) {
            cost += costWithout(a);
            for (int number = 0; number < instance.sessions[a]; number++) {
                int at = a * SESSIONS + number;
                if (instance.pinDay[at] != NONE) {
                    cost += overloadOfOneMore(instance.pinExpert[at]);
                    book(instance.pinExpert[at], a, number, instance.pinDay[at], instance.pinMinute[at]);
                }
            }
        }
        for (Engagement each : entities) {
            put(each.index, each.getVisits());
        }
    }

    /** Enter the free sessions of an engagement; nothing where there are none. */
    void put(int a, Visits visits) {
        if (visits == null) {
            return;
        }
        int expert = instance.pairExpert[visits.pair()];
        cost += visits.cost() - costWithout(a);
        for (int number = 0; number < visits.count(); number++) {
            if (!instance.isPinned(a, number)) {
                cost += overloadOfOneMore(expert);
                book(expert, a, number, visits.days()[number], visits.minutes()[number]);
            }
        }
        members[expert][memberCount[expert]++] = a;
    }

    /** Take the free sessions of an engagement out. */
    void take(int a, Visits visits) {
        if (visits == null) {
            return;
        }
        int expert = instance.pairExpert[visits.pair()];
        cost -= visits.cost() - costWithout(a);
        for (int number = 0; number < visits.count(); number++) {
            if (!instance.isPinned(a, number)) {
                unbook(expert, visits.days()[number], visits.minutes()[number]);
                cost -= overloadOfOneMore(expert);
            }
        }
        int last = --memberCount[expert];
        for (int position = 0; position <= last; position++) {
            if (members[expert][position] == a) {
                members[expert][position] = members[expert][last];
                break;
            }
        }
    }

    long overloadOfOneMore(int expert) {
        return load[expert] >= instance.targetTotal[expert] ? instance.overload : 0;
    }

    /** The cost of an engagement that has its pinned sessions alone. */
    long costWithout(int a) {
        int least = instance.least[a];
        for (int number = 0; number < least; number++) {
            if (!instance.isPinned(a, number)) {
                return UNSERVABLE;
            }
        }
        long missing = (long) instance.dropped * instance.weight[a] * (instance.sessions[a] - least);
        return missing + (least == 0 ? (long) instance.unserved * instance.weight[a] : 0);
    }

    private void book(int expert, int a, int number, int day, int start) {
        int at = expert * instance.days + day;
        int entry = (at * most + dayCount[at]) * 3;
        booked[entry] = start;
        booked[entry + 1] = start + instance.duration[a * SESSIONS + number];
        booked[entry + 2] = instance.site[a];
        dayCount[at]++;
        weekCount[expert * weeks + instance.weekOfDay[day]]++;
        load[expert]++;
    }

    private void unbook(int expert, int day, int start) {
        int at = expert * instance.days + day;
        int last = --dayCount[at];
        for (int slot = 0; slot <= last; slot++) {
            if (booked[(at * most + slot) * 3] == start) {
                System.arraycopy(booked, (at * most + last) * 3, booked, (at * most + slot) * 3, 3);
                break;
            }
        }
        weekCount[expert * weeks + instance.weekOfDay[day]]--;
        load[expert]--;
    }
}

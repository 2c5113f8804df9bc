package dispatch;

import static dispatch.Instance.NONE;
import static dispatch.Instance.SESSIONS;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * The cheapest visits of one engagement, given what is in the calendars: with f_k(d) the cheapest way to hold sessions
 * 1…k with session k on day d, f_k(d) = cost of day d + min over gaps g of f_{k-1}(d - g) + w.gap · |g - target|.
 */
final class ShortestPath {
    private static final long NEVER = 1L << 60;

    /** Costs inside are multiples of this, so that noise breaks ties only. */
    private static final int FINE = 4096;

    private static final int NOISE = FINE / 8;

    private final Instance instance;
    private final Calendars calendars;
    private final int[] length = new int[SESSIONS];
    private final int[][] day;
    private final int[][] minute;
    private final long[][] dayCost;
    private final long[][] value;
    private final int[][] parent;
    private final long[] cost = new long[SESSIONS + 1];
    private final int[] last = new int[SESSIONS + 1];
    private final long[] floor; // (P) what a pair costs at least, whatever else is planned
    private final Integer[] order; // (P) the pairs of each engagement, cheapest floor first

    ShortestPath(Calendars calendars) {
        this.calendars = calendars;
        instance = calendars.instance;
        day = new int[SESSIONS][instance.days];
        minute = new int[SESSIONS][instance.days];
        dayCost = new long[SESSIONS][instance.days];
        value = new long[SESSIONS][instance.days];
        parent = new int[SESSIONS][instance.days];
        int pairs = instance.pairExpert.length;
        floor = new long[pairs];
        order = IntStream.range(0, pairs).boxed().toArray(Integer[]::new);
        for (int pair = 0; pair < pairs; pair++) {
            price(pair, null);
            floor[pair] = Arrays.stream(cost).min().getAsLong();
        }
        for (int a = 0; a < instance.engagements; a++) {
            Arrays.sort(order, instance.pairOffset[a], instance.pairOffset[a + 1],
                    Comparator.comparingLong(pair -> floor[pair]));
        }
    }

    int pairs(int a) {
        return instance.pairOffset[a + 1] - instance.pairOffset[a];
    }

    /** The pair of an engagement with the given rank, 0 for the cheapest. */
    int pair(int a, int rank) {
        return order[instance.pairOffset[a] + rank];
    }

    /** What the second cheapest pair costs more than the cheapest: who has no choice goes first. */
    long regret(int a) {
        long[] floors = IntStream.range(0, pairs(a)).mapToLong(rank -> floor[pair(a, rank)]).limit(2).toArray();
        return floors.length < 2 ? NEVER : floors[1] - floors[0];
    }

    /** The cheapest visits with any expert, null where none is cheaper; pairs are passed over at random by `blink`. */
    Visits best(int a, Random random, double blink) {
        Visits best = null;
        long least = FINE * calendars.costWithout(a);
        for (int rank = 0; rank < pairs(a) && floor[pair(a, rank)] < least; rank++) {
            if (blink > 0 && random.nextDouble() < blink) {
                continue;
            }
            int pair = pair(a, rank);
            price(pair, random);
            int count = count(pair);
            if (count > 0 && total(pair, count) < least) {
                Visits visits = trace(pair, count);
                if (visits != null) {
                    least = total(pair, count);
                    best = visits;
                }
            }
        }
        return best;
    }

    /** The cheapest visits with one expert, null where there are none. */
    Visits with(int pair, Random random) {
        price(pair, random);
        int count = count(pair);
        return count == 0 ? null : trace(pair, count);
    }

    /** The number of sessions with the least cost, 0 where no free session is possible. */
    private int count(int pair) {
        int a = instance.pairEngagement[pair];
        int best = 0;
        for (int count = 1; count <= instance.sessions[a]; count++) {
            if (cost[count] < NEVER && free(a, count) > 0 && (best == 0 || total(pair, count) < total(pair, best))) {
                best = count;
            }
        }
        return best;
    }

    private int free(int a, int count) {
        int free = 0;
        for (int number = 0; number < count; number++) {
            free += instance.isPinned(a, number) ? 0 : 1;
        }
        return free;
    }

    private long total(int pair, int count) {
        int expert = instance.pairExpert[pair];
        int load = calendars.load[expert];
        int target = instance.targetTotal[expert];
        int free = free(instance.pairEngagement[pair], count);
        long over = Math.max(0, load + free - target) - Math.max(0, load - target);
        return cost[count] + FINE * instance.overload * over;
    }

    /** Fill `cost[k]` for k = 0…n with the engagement's own cost of sessions 1…k, NEVER where that is not possible. */
    private void price(int pair, Random random) {
        int a = instance.pairEngagement[pair];
        int expert = instance.pairExpert[pair];
        int room = instance.maxTotal[expert] - calendars.load[expert];
        int free = 0;
        Arrays.fill(cost, NEVER);
        for (int number = 0; number < instance.sessions[a]; number++) {
            free += instance.isPinned(a, number) ? 0 : 1;
            if (free > room) {
                return;
            }
            list(expert, a, number, random);
            if (number == 0) {
                begin(a);
            } else {
                extend(expert, a, number);
            }
            long best = NEVER;
            for (int at = 0; at < length[number]; at++) {
                if (value[number][at] < best) {
                    best = value[number][at];
                    last[number + 1] = at;
                }
            }
            if (best == NEVER) {
                return;
            }
            if (number + 1 >= instance.least[a]) {
                long once = (long) free * instance.pairSessionCost[pair] + (free > 0 ? instance.pairOnceCost[pair] : 0);
                long missing = (long) instance.dropped * instance.weight[a] * (instance.sessions[a] - number - 1);
                cost[number + 1] = best + FINE * (once + missing);
            }
        }
    }

    /** List the days on which a session could be held, with their best starts. */
    private void list(int expert, int a, int number, Random random) {
        int index = a * SESSIONS + number;
        if (instance.pinDay[index] != NONE) {
            length[number] = 1;
            day[number][0] = instance.pinDay[index];
            minute[number][0] = instance.pinMinute[index];
            dayCost[number][0] = 0;
            return;
        }
        int same = sameDays(a, number);
        if (same < number) {
            length[number] = length[same];
            System.arraycopy(day[same], 0, day[number], 0, length[same]);
            System.arraycopy(minute[same], 0, minute[number], 0, length[same]);
            System.arraycopy(dayCost[same], 0, dayCost[number], 0, length[same]);
            return;
        }
        int starts = (expert * instance.durations + instance.durationIndex[index]) * instance.days;
        int row = instance.row[index] * instance.days;
        int published = instance.currentDay[index];
        boolean late = random != null && random.nextBoolean();
        int at = 0;
        for (int d = instance.firstDay[a]; d <= instance.lastDay[a]; d++) {
            long mask = instance.expertStarts[starts + d] & instance.engagementStarts[row + d];
            int held = calendars.dayCount[expert * instance.days + d];
            int week = calendars.weekCount[expert * calendars.weeks + instance.weekOfDay[d]];
            if (mask == 0 || held >= instance.maxPerDay[expert] || week >= instance.maxPerWeek[expert]) {
                continue;
            }
            if (held > 0) {
                mask = withoutCollisions(mask, expert, d, held, instance.duration[index], instance.site[a]);
                if (mask == 0) {
                    continue;
                }
            }
            long wished = mask & instance.preferredStarts[row + d];
            long among = wished != 0 ? wished : mask;
            int bit = late ? 63 - Long.numberOfLeadingZeros(among) : Long.numberOfTrailingZeros(among);
            int start = instance.startMinutes[bit];
            int price = (wished != 0 ? 0 : instance.offPreference) + (published == NONE ? 0 : instance.move);
            if (published == d) {
                int kept = Arrays.binarySearch(instance.startMinutes, instance.currentMinute[index]);
                if (kept >= 0 && (mask >>> kept & 1) != 0) {
                    int keep = (wished >>> kept & 1) != 0 ? 0 : instance.offPreference;
                    if (keep <= price) {
                        price = keep;
                        start = instance.currentMinute[index];
                    }
                }
            }
            day[number][at] = d;
            minute[number][at] = start;
            dayCost[number][at] = (long) FINE * price + (random == null ? 0 : random.nextInt(NOISE));
            at++;
        }
        length[number] = at;
    }

    /** An earlier session with the same list of days as this one, or the session itself. */
    private int sameDays(int a, int number) {
        int index = a * SESSIONS + number;
        for (int before = 0; before < number; before++) {
            int other = a * SESSIONS + before;
            if (instance.row[other] == instance.row[index]
                    && !instance.isPinned(a, before)
                    && instance.currentDay[index] == NONE
                    && instance.currentDay[other] == NONE) {
                return before;
            }
        }
        return number;
    }

    /** The starts of a day that leave time for, and the way to, what the expert has on that day. */
    private long withoutCollisions(long mask, int expert, int d, int held, int minutes, int site) {
        int first = (expert * instance.days + d) * calendars.most * 3;
        int home = instance.expertPlace[expert];
        for (int entry = first; entry < first + held * 3; entry += 3) {
            int other = calendars.booked[entry + 2];
            int to = 0;
            int back = 0;
            if (site != NONE || other != NONE) {
                int here = site == NONE ? home : site;
                int there = other == NONE ? home : other;
                to = instance.travel[there * instance.places + here];
                back = instance.travel[here * instance.places + there];
            }
            for (long rest = mask; rest != 0; rest &= rest - 1) {
                int bit = Long.numberOfTrailingZeros(rest);
                int start = instance.startMinutes[bit];
                if (start < calendars.booked[entry + 1] + to && calendars.booked[entry] < start + minutes + back) {
                    mask &= ~(1L << bit);
                }
            }
        }
        return mask;
    }

    private void begin(int a) {
        int wait = instance.isPinned(a, 0) ? 0 : instance.wait;
        for (int at = 0; at < length[0]; at++) {
            value[0][at] = dayCost[0][at] + (long) FINE * wait * (day[0][at] - instance.firstDay[a]);
        }
    }

    /** f_k from f_{k-1}: the cheapest day before each day of a session. */
    private void extend(int expert, int a, int number) {
        boolean bothPinned = instance.isPinned(a, number) && instance.isPinned(a, number - 1);
        boolean bothFree = !instance.isPinned(a, number) && !instance.isPinned(a, number - 1);
        int least = bothPinned ? Integer.MIN_VALUE : instance.minGap[a];
        int most = bothPinned ? Integer.MAX_VALUE : instance.maxGap[a];
        int target = instance.targetGap[a];
        long gapCost = bothPinned ? 0 : (long) FINE * instance.gap;
        int[] earlier = day[number - 1];
        int low = 0;
        for (int at = 0; at < length[number]; at++) {
            int d = day[number][at];
            int week = instance.weekOfDay[d];
            int room = instance.maxPerWeek[expert] - calendars.weekCount[expert * calendars.weeks + week];
            boolean crowded = bothFree && room < instance.weekNeed[a];
            while (low < length[number - 1] && d - earlier[low] > most) {
                low++;
            }
            long best = NEVER;
            for (int before = low; before < length[number - 1]; before++) {
                int gap = d - earlier[before];
                if (gap < least) {
                    break;
                }
                if (crowded && instance.weekOfDay[earlier[before]] == week) {
                    continue;
                }
                long candidate = value[number - 1][before] + gapCost * Math.abs(gap - target);
                if (candidate < best) {
                    best = candidate;
                    parent[number][at] = before;
                }
            }
            value[number][at] = best == NEVER ? NEVER : best + dayCost[number][at];
        }
    }

    /** The visits whose cost `price` found; null where three in one week would break the weekly cap. */
    private Visits trace(int pair, int count) {
        int a = instance.pairEngagement[pair];
        int expert = instance.pairExpert[pair];
        int[] days = new int[count];
        int[] minutes = new int[count];
        int at = last[count];
        for (int number = count - 1; number >= 0; number--) {
            days[number] = day[number][at];
            minutes[number] = minute[number][at];
            at = parent[number][at];
        }
        for (int number = 0; number < count; number++) {
            int week = instance.weekOfDay[days[number]];
            int room = instance.maxPerWeek[expert] - calendars.weekCount[expert * calendars.weeks + week];
            for (int other = 0; other < count; other++) {
                room -= !instance.isPinned(a, other) && instance.weekOfDay[days[other]] == week ? 1 : 0;
            }
            if (!instance.isPinned(a, number) && room < 0) {
                return null;
            }
        }
        return new Visits(pair, days, minutes, cost[count] / FINE);
    }
}

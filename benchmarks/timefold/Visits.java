package dispatch;

import java.util.Arrays;

/** All sessions of one engagement: with whom, and the day and minute of sessions 1…k; pinned ones included. */
public record Visits(int pair, int[] days, int[] minutes, long cost) {
    int count() {
        return days.length;
    }

    boolean sameAs(Visits other) {
        return other != null
                && pair == other.pair
                && Arrays.equals(days, other.days)
                && Arrays.equals(minutes, other.minutes);
    }
}

package dispatch;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A problem compiled to numbers, as `benchmarks/peers/timefold.py` writes it: days and minutes, and one 64-bit mask of
 * possible starts a day. E experts, A engagements, P pairs of an engagement and an expert who may serve it, D days;
 * tables of two or more dimensions are flat, row by row.
 */
final class Instance {
    static final int SESSIONS = 5;
    static final int NONE = -1;

    final int days;
    final int experts;
    final int engagements;
    final int durations;
    final int places;
    final int unserved;
    final int dropped;
    final int offPreference;
    final int wait;
    final int gap;
    final int overload;
    final int move;
    final int[] startMinutes; // (S)
    final int[] weekOfDay; // (D)
    final int[] travel; // (places, places)
    final long[] expertStarts; // (E, durations, D)
    final int[] expertPlace; // (E)
    final int[] maxPerDay; // (E)
    final int[] maxPerWeek; // (E)
    final int[] maxTotal; // (E)
    final int[] targetTotal; // (E)
    final int[] sessions; // (A)
    final int[] duration; // (A, 5)
    final int[] durationIndex; // (A, 5)
    final int[] row; // (A, 5) into the first axis of the two masks that follow
    final long[] engagementStarts; // (rows, D)
    final long[] preferredStarts; // (rows, D)
    final int[] firstDay; // (A)
    final int[] lastDay; // (A)
    final int[] minGap; // (A)
    final int[] targetGap; // (A)
    final int[] maxGap; // (A)
    final int[] weekNeed; // (A) room in an expert's week before two sessions may share it
    final int[] site; // (A) place, NONE online
    final int[] weight; // (A)
    final int[] pinDay; // (A, 5), NONE where a session is free
    final int[] pinMinute; // (A, 5)
    final int[] pinExpert; // (A, 5)
    final int[] least; // (A) the highest pinned number
    final int[] currentDay; // (A, 5), NONE where nothing is published
    final int[] currentMinute; // (A, 5)
    final int[] pairOffset; // (A + 1)
    final int[] pairExpert; // (P)
    final int[] pairEngagement; // (P)
    final int[] pairSessionCost; // (P)
    final int[] pairOnceCost; // (P)

    private final List<String> names;

    private Instance(LongBuffer numbers, List<String> names) {
        this.names = names;
        int[] sizes = integers(numbers);
        days = sizes[0];
        experts = sizes[1];
        engagements = sizes[2];
        durations = sizes[3];
        places = sizes[4];
        int[] weights = integers(numbers);
        unserved = weights[0];
        dropped = weights[1];
        offPreference = weights[2];
        wait = weights[3];
        gap = weights[4];
        overload = weights[5];
        move = weights[6];
        startMinutes = integers(numbers);
        weekOfDay = integers(numbers);
        travel = integers(numbers);
        expertStarts = longs(numbers);
        expertPlace = integers(numbers);
        maxPerDay = integers(numbers);
        maxPerWeek = integers(numbers);
        maxTotal = integers(numbers);
        targetTotal = integers(numbers);
        sessions = integers(numbers);
        duration = integers(numbers);
        durationIndex = integers(numbers);
        row = integers(numbers);
        engagementStarts = longs(numbers);
        preferredStarts = longs(numbers);
        firstDay = integers(numbers);
        lastDay = integers(numbers);
        minGap = integers(numbers);
        targetGap = integers(numbers);
        maxGap = integers(numbers);
        weekNeed = integers(numbers);
        site = integers(numbers);
        weight = integers(numbers);
        pinDay = integers(numbers);
        pinMinute = integers(numbers);
        pinExpert = integers(numbers);
        least = integers(numbers);
        currentDay = integers(numbers);
        currentMinute = integers(numbers);
        pairOffset = integers(numbers);
        pairExpert = integers(numbers);
        pairEngagement = integers(numbers);
        pairSessionCost = integers(numbers);
        pairOnceCost = integers(numbers);
    }

    static Instance read(Path numbers, Path names) throws IOException {
        try (FileChannel file = FileChannel.open(numbers)) {
            ByteBuffer bytes = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size());
            return new Instance(
                    bytes.order(ByteOrder.LITTLE_ENDIAN).asLongBuffer(), Files.readAllLines(names));
        }
    }

    boolean isPinned(int engagement, int number) {
        return pinDay[engagement * SESSIONS + number] != NONE;
    }

    /** The pair of an engagement and an expert, NONE where the expert may not serve it. */
    int pairOf(int engagement, int expert) {
        for (int pair = pairOffset[engagement]; pair < pairOffset[engagement + 1]; pair++) {
            if (pairExpert[pair] == expert) {
                return pair;
            }
        }
        return NONE;
    }

    /** Write a plan/1; what the file of names holds is JSON already. */
    void writePlan(Path path, List<Engagement> entities) throws IOException {
        LocalDate first = LocalDate.parse(names.get(2));
        List<String> assignments = new ArrayList<>();
        for (Engagement each : entities) {
            int[] days = each.getVisits() == null ? pinnedDays(each.index) : each.getVisits().days();
            int[] minutes = each.getVisits() == null ? pinnedMinutes(each.index) : each.getVisits().minutes();
            if (days.length == 0) {
                continue;
            }
            int expert = each.getVisits() == null
                    ? pinExpert[each.index * SESSIONS + days.length - 1]
                    : pairExpert[each.getVisits().pair()];
            List<String> starts = new ArrayList<>();
            for (int number = 0; number < days.length; number++) {
                starts.add("\"%sT%02d:%02d\"".formatted(
                        first.plusDays(days[number]), minutes[number] / 60, minutes[number] % 60));
            }
            assignments.add("{\"engagement\": %s, \"expert\": %s, \"starts\": [%s]}".formatted(
                    names.get(3 + experts + each.index), names.get(3 + expert), String.join(", ", starts)));
        }
        try (BufferedWriter writer = Files.newBufferedWriter(path)) {
            writer.write("{\"format\": \"plan/1\", \"problem\": %s, \"problem_sha256\": \"%s\", \"bound\": 0,\n"
                    .formatted(names.get(0), names.get(1)));
            writer.write("\"assignments\": [\n" + String.join(",\n", assignments) + "\n]}\n");
        }
    }

    private int[] pinnedDays(int engagement) {
        return Arrays.copyOfRange(pinDay, engagement * SESSIONS, engagement * SESSIONS + least[engagement]);
    }

    private int[] pinnedMinutes(int engagement) {
        return Arrays.copyOfRange(pinMinute, engagement * SESSIONS, engagement * SESSIONS + least[engagement]);
    }

    private static long[] longs(LongBuffer numbers) {
        long[] values = new long[(int) numbers.get()];
        numbers.get(values);
        return values;
    }

    private static int[] integers(LongBuffer numbers) {
        return Arrays.stream(longs(numbers)).mapToInt(Math::toIntExact).toArray();
    }
}

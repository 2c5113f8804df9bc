// Reads a calendar from standard input with ical.js and prints its events as JSON, in UTC; with the
// argument "freebusy" the periods of its free and busy time.
// NODE_PATH names the folder that `make clients` installs ical.js into.
const ICAL = require("ical.js").default ?? require("ical.js");

function moment(time) {
  if (time.zone === ICAL.Timezone.localTimezone) throw new Error(`floating: ${time}`);
  return time.toJSDate().toISOString();
}

const calendar = new ICAL.Component(ICAL.parse(require("fs").readFileSync(0, "utf8")));
function eventsOf(calendar) {
  return calendar.getAllSubcomponents("vevent").map((component) => {
    const event = new ICAL.Event(component, { strictExceptions: true });
    return {
      uid: event.uid,
      start: moment(event.startDate),
      end: moment(event.endDate),
      summary: event.summary,
      status: component.getFirstPropertyValue("status"),
      sequence: event.sequence,
    };
  });
}

function periodsOf(calendar) {
  return calendar.getAllSubcomponents("vfreebusy").flatMap((component) =>
    component.getAllProperties("freebusy").flatMap((property) =>
      property.getValues().map((period) => ({
        start: moment(period.start),
        end: moment(period.getEnd()),
        kind: property.getParameter("fbtype"),
      })),
    ),
  );
}

console.log(JSON.stringify((process.argv[2] === "freebusy" ? periodsOf : eventsOf)(calendar)));

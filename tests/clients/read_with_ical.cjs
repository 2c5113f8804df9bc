// Reads a calendar from standard input with ical.js and prints its events as JSON, in UTC.
// NODE_PATH names the folder that `make clients` installs ical.js into.
const ICAL = require("ical.js").default ?? require("ical.js");

function moment(time) {
  if (time.zone === ICAL.Timezone.localTimezone) throw new Error(`floating: ${time}`);
  return time.toJSDate().toISOString();
}

const calendar = new ICAL.Component(ICAL.parse(require("fs").readFileSync(0, "utf8")));
const events = calendar.getAllSubcomponents("vevent").map((component) => {
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
console.log(JSON.stringify(events));

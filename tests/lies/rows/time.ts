/** Lies about time. */
import { assert, assertEquals } from "@std/assert";
import { document, headers, problem } from "../answers.ts";
import { logsOf, type Seen } from "../seen.ts";
import { type Answer, rows, type Tell } from "../table.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Seconds from the start of a test to half an hour before the turn of the week's pseudonym, and of the epoch. */
const TO_THE_TURN = (Date.UTC(2027, 0, 20, 23, 30) - Date.UTC(2027, 0, 15, 10, 20, 30)) / 1000;
const YEARS = { "retry-after": "999999999" };

/** Both documents with a Date that is so many milliseconds ahead of the service's clock. */
function ahead(milliseconds: number): Tell {
  const answer: Answer = (asked) =>
    headers({ date: new Date(asked.now + milliseconds).toUTCString() })(asked);
  return { keys: answer, schema: answer };
}

/** Both documents with headers. */
const both = (changes: Record<string, string | undefined>): Tell => ({
  keys: headers(changes),
  schema: headers(changes),
});

/** Asserts what times the events are sent with, by the hour; none: without. */
function at(...hours: string[]): (seen: readonly Seen[]) => void {
  return (seen) => {
    const times = logsOf(seen).flatMap(({ events }) => events.map((event) => event.at));
    const expected: (string | undefined)[] = hours.length > 0
      ? hours.map((hour) => `2027-01-15T${hour}:00:00Z`)
      : [undefined];
    assert(times.length > 0 && times.every((time) => expected.includes(time)), String(times));
  };
}

/** Asserts that everything goes under one pseudonym. */
function underOne(seen: readonly Seen[]): void {
  assertEquals(new Set(logsOf(seen).map(({ pseudonym }) => pseudonym)).size, 1);
}

const REFUSED = ["directory clock_refused", "schema clock_refused"];

export const TIME_LIES = rows("time", [
  { name: "no readable Date", tell: both({ date: "" }), client: { sent: 3, check: at("10") } },
  { name: "a Date that is none", tell: both({ date: "soon" }), client: { sent: 3, check: at("10") } },
  { name: "a Date 29 minutes ahead", tell: ahead(29 * MINUTE), client: { sent: 3, check: at("10") } },
  { name: "a Date 29 minutes back", tell: ahead(-29 * MINUTE), client: { sent: 3, check: at("10") } },
  { name: "a Date 50 minutes ahead", tell: ahead(50 * MINUTE), client: { sent: 3, check: at() } },
  { name: "a Date 50 minutes back", tell: ahead(-50 * MINUTE), client: { sent: 3, check: at() } },
  {
    name: "a Date 61 minutes ahead",
    tell: ahead(61 * MINUTE),
    client: { sent: 3, refused: REFUSED, check: at() },
  },
  { name: "a Date a day back", tell: ahead(-DAY), client: { sent: 3, refused: REFUSED, check: at() } },
  { name: "a Date two days ahead", tell: ahead(2 * DAY), client: { sent: 3, refused: REFUSED, check: at() } },
  {
    name: "a Date in the year 275760",
    tell: both({ date: "+275760-09-13T00:00:00Z" }),
    client: { sent: 3, refused: REFUSED, check: at() },
  },
  {
    name: "a Date in 1970",
    tell: both({ date: "Thu, 01 Jan 1970 00:00:00 GMT" }),
    client: { sent: 3, refused: REFUSED, check: at() },
  },
  {
    name: "an Age of months",
    tell: both({ age: "9999999" }),
    client: { sent: 3, refused: REFUSED, check: at() },
  },
  {
    name: "a Date a day back where tokens are issued, to know the events by their missing times",
    tell: { keys: headers({ date: "Thu, 14 Jan 2027 10:20:30 GMT" }) },
    client: { sent: 3, refused: ["directory clock_refused"], check: at("10") },
  },
  {
    name: "another Date in every answer",
    tell: (() => {
      const answer: Answer = (asked) => {
        const lies = [-7 * DAY, HOUR, 7 * DAY, -HOUR, 30 * DAY, 0];
        const milliseconds = lies[asked.count % lies.length] ?? 0;
        return headers({ date: new Date(asked.now + milliseconds).toUTCString() })(asked);
      };
      return { keys: answer, schema: answer };
    })(),
    rounds: 8,
    pause: 1_800,
    client: { sent: 3, check: underOne },
  },
  {
    name: "key_unknown and a Date a week back, to have the events again under the last week's pseudonym",
    tell: { ...ahead(-7 * DAY), logs: problem(401, "key_unknown") },
    rounds: 3,
    // The second token is refused as well.
    client: { sent: 0, dropped: { key_unknown: 3 }, check: underOne },
  },
  {
    name: "a Date that leads into the next pseudonym before its time",
    tell: ahead(50 * MINUTE),
    before: 1,
    later: TO_THE_TURN,
    // The keys of the next epoch do not issue yet.
    client: { sent: 0 },
  },
  {
    name: "a Date that leads back into the last pseudonym",
    tell: ahead(-50 * MINUTE),
    before: 1,
    later: TO_THE_TURN + 2_400,
    client: { sent: 0 },
  },
  {
    name: "tokens to wait 31 years for",
    tell: { tokens: problem(429, "quota_exhausted", YEARS) },
    events: 1,
    rounds: 4,
    pause: 600,
    client: { refused: ["tokens quota_exhausted"], most: { tokens: 2 } },
  },
  {
    name: "31 years to wait before a log",
    tell: { logs: problem(503, "store_unavailable", YEARS) },
    rounds: 4,
    pause: 600,
    client: { refused: ["logs store_unavailable"], most: { logs: 1 } },
  },
  {
    name: "a directory without keys that is fresh for a year",
    tell: {
      keys: async (asked) => {
        const emptied = {
          ...asked,
          honest: async () => await document((members) => (members["token-keys"] = [], members))(asked),
        };
        return await headers({ "cache-control": "public, max-age=31536000" })(emptied);
      },
    },
    client: { sent: 0 },
  },
  {
    name: "an application that is unknown for a while",
    tell: { logs: problem(404, "app_unknown") },
    rounds: 4,
    pause: 600,
    client: { refused: ["logs app_unknown"], most: { logs: 1 } },
  },
]);

/** Lies about logs. */
import { assert, assertEquals } from "@std/assert";
import { afterwards, instead, problem } from "../answers.ts";
import { logsOf, type Seen } from "../seen.ts";
import { type Answer, rows } from "../table.ts";

/** Seconds from the start of a test to half an hour before the turn of the week's pseudonym. */
const TO_THE_TURN = (Date.UTC(2027, 0, 20, 23, 30) - Date.UTC(2027, 0, 15, 10, 20, 30)) / 1000;

/** How often the client can be refused: with two tokens at most, and under three uses of one where they are taken. */
const REFUSALS: readonly (readonly [status: number, code: string, most: number])[] = [
  [401, "key_unknown", 2],
  [401, "key_expired", 2],
  [401, "mac_invalid", 2],
  [401, "pseudonym_mismatch", 2],
  [403, "use_out_of_range", 2],
  [409, "use_taken", 6],
];

/** Asserts that so many tokens at most were seen with each event, and one salt with each. */
function twoTokens(seen: readonly Seen[]): void {
  const logs = logsOf(seen);
  const nonces = (salt?: string) =>
    new Set(logs.filter((log) => salt === undefined || log.salt === salt).map(({ nonce }) => nonce)).size;
  assert(nonces() > 0 && nonces() <= 2, `${nonces()} tokens`);
  for (const { salt } of logs) assertEquals(nonces(salt), 1, "tokens with one salt");
}

/** Answers with one lie after the other, and with the last for ever. */
function inTurn(...answers: readonly Answer[]): Answer {
  return (asked) => answers[Math.min(asked.count, answers.length - 1)]!(asked);
}

/** A success of the service's form, whether or not there was one. */
const accepted = (accepted: unknown, rejected: unknown) =>
  instead(JSON.stringify({ accepted, rejected }), { headers: { "content-type": "application/json" } });

export const LOG_LIES = rows("logs", [
  {
    name: "a page of somebody else's in place of a success",
    tell: { logs: afterwards(() => new Response("<html>Sign in to the hotel's network</html>")) },
    client: {},
  },
  {
    name: "store_unavailable for ever",
    tell: { logs: problem(503, "store_unavailable") },
    client: { refused: ["logs store_unavailable"], most: { logs: 2 } },
  },
  ...REFUSALS.map(([status, code, most]) => ({
    name: `${code} for ever`,
    tell: { logs: problem(status, code) },
    client: { dropped: { [code]: 3 }, most: { logs: most }, check: twoTokens },
    rounds: 3,
  })),
  ...REFUSALS.map(([status, code, most]) => ({
    name: `${code} for ever, where no pseudonym is collected`,
    service: { pseudonymSeconds: false } as const,
    tell: { logs: problem(status, code) },
    client: { dropped: { [code]: 3 }, most: { logs: most }, check: twoTokens },
    rounds: 3,
  })),
  {
    name: "another reason for another token each time",
    tell: {
      logs: inTurn(
        problem(401, "mac_invalid"),
        problem(409, "use_taken"),
        problem(401, "key_unknown"),
        problem(403, "use_out_of_range"),
      ),
    },
    client: { dropped: { key_unknown: 3 }, most: { logs: 3 }, check: twoTokens },
    rounds: 4,
  },
  {
    name: "an unknown outcome, and another token asked for after it",
    tell: { logs: inTurn(problem(503, "store_unavailable"), problem(401, "mac_invalid")) },
    client: { dropped: { mac_invalid: 3 }, most: { logs: 3 }, check: twoTokens },
    rounds: 4,
  },
  {
    name: "an unknown outcome, and a key that is unknown after it",
    tell: { logs: inTurn(problem(503, "store_unavailable"), problem(401, "key_unknown")) },
    // Whether it arrived cannot be known: it is not sent again under anything else.
    client: { dropped: { unknown: 3 }, most: { logs: 2 } },
    rounds: 4,
  },
  {
    name: "a refusal as the pseudonym turns, where the key has no other token",
    service: { tokensPerClient: 1 },
    before: 1,
    later: TO_THE_TURN,
    tell: { logs: problem(401, "mac_invalid") },
    client: { dropped: { period_over: 3 }, most: { logs: 1 } },
    pause: 3_600,
  },
  {
    name: "route_unknown for every log",
    tell: { logs: problem(404, "route_unknown") },
    rounds: 1,
    client: { refused: ["logs route_unknown"], most: { logs: 2 } },
  },
  {
    name: "overloaded for 31 years",
    tell: { logs: problem(429, "overloaded", { "retry-after": "999999999" }) },
    client: { refused: ["logs overloaded"], most: { logs: 1 } },
  },
  {
    name: "body_too_large for ever",
    tell: { logs: problem(413, "body_too_large") },
    client: { dropped: { body_too_large: 3 }, check: twoTokens },
    rounds: 4,
  },
  {
    name: "a stopped collection that is none",
    tell: { logs: problem(410, "collection_stopped") },
    client: { dropped: { collection_stopped: 3 }, most: { logs: 1 } },
  },
  {
    name: "events that are all invalid",
    tell: { logs: problem(422, "events_invalid") },
    client: { dropped: { events_invalid: 3 }, most: { logs: 1 } },
  },
  {
    name: "a code that there is not",
    tell: { logs: problem(418, "send_your_address") },
    client: { dropped: { send_your_address: 3 }, most: { logs: 1 } },
  },
  {
    name: "a refusal without a code",
    tell: { logs: instead("no", { status: 401 }) },
    client: { refused: ["logs status_401"], most: { logs: 2 } },
  },
  {
    name: "more rejected events than there were, after all were stored",
    tell: {
      logs: async (asked) => {
        await (await asked.honest()).body?.cancel();
        return await accepted(0, Array(1_000).fill({ index: 0, code: "field_invalid" }))(asked);
      },
    },
    client: { dropped: { field_invalid: 3 }, most: { logs: 1 } },
  },
  {
    name: "a success without the numbers of one",
    tell: { logs: afterwards(() => Response.json({ accepted: "all" })) },
    client: { most: { logs: 2 } },
  },
]);

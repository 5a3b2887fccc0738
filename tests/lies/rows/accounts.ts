/**
 * Lies that would have two accounts or two steps tell of one device: `seen.ts` looks at every row's elements and
 * connections.
 */
import { assert } from "@std/assert";
import { headers, problem } from "../answers.ts";
import type { Seen } from "../seen.ts";
import { type Answer, type Lie, rows } from "../table.ts";

/** Answers, and has somebody else sign in from now on. */
function changing(answer: Answer): Answer {
  return (asked) => {
    asked.memory.set("subject", `person ${asked.count + 1}`);
    return answer(asked);
  };
}

/** How many accounts tokens were asked for. */
function subjects(seen: readonly Seen[]): number {
  const payloads = seen.filter(({ step }) => step === "tokens")
    .map(({ headers }) => headers.get("authorization")?.split(".")[1]);
  return new Set(payloads).size;
}

const several: Lie["client"] = {
  keepsTokens: false,
  check: (seen) => assert(subjects(seen) > 1, "nobody else has signed in"),
};

const unavailable = problem(503, "store_unavailable");

export const ACCOUNT_LIES: readonly Lie[] = [
  ...rows("tokens", [
    {
      name: "session_invalid, after which somebody else is signed in",
      tell: { tokens: changing(problem(401, "session_invalid")) },
      client: { ...several, refused: ["tokens session_invalid"] },
    },
    {
      name: "no tokens, and somebody else who signs in before the next try",
      tell: { tokens: changing(unavailable) },
      rounds: 4,
      client: { ...several, refused: ["tokens store_unavailable"] },
    },
    {
      name: "tokens that are granted and never arrive, and somebody else who signs in",
      tell: {
        tokens: changing(async (asked) => {
          await (await asked.honest()).body?.cancel();
          return await unavailable(asked);
        }),
      },
      rounds: 4,
      client: { ...several, refused: ["tokens store_unavailable"] },
    },
    {
      name: "proofs that fail for one account after the other",
      tell: { tokens: changing(async ({ honest }) => new Response(new Uint8Array(98), await honest())) },
      rounds: 4,
      client: { ...several, refused: ["tokens not_verified"] },
    },
  ]),
  ...rows("transport", [
    {
      name: "a connection that ends with each answer",
      tell: Object.fromEntries(
        ["keys", "schema", "tokens", "logs"].map((step) => [step, headers({ connection: "close" })]),
      ),
      client: { sent: 3 },
    },
  ]),
];

/** Answers to logs that are no plain success and no plain refusal. */
import { afterwards, bomb, endless, instead, stalled } from "../answers.ts";
import { type Lie, rows } from "../table.ts";

type Row = Omit<Lie, "area">;

/** Answers with the status of a success that do not say one. */
const STRANGE: Readonly<Record<string, () => Response>> = {
  "null": () => new Response("null"),
  "a list": () => new Response("[]"),
  "all accepted, in words": () => Response.json({ accepted: "all", rejected: [] }),
  "a count of accepted events alone": () => Response.json({ accepted: 3 }),
  "a list of rejected events alone": () => Response.json({ rejected: [] }),
  "rejected events that are no list": () => Response.json({ accepted: 3, rejected: { length: 0 } }),
  "half an event": () => Response.json({ accepted: 0.5, rejected: [] }),
  "nothing": () => new Response(null, { status: 204 }),
  "no UTF-8": () => new Response(new Uint8Array([0xff, 0xfe])),
  "a success in the prototype of nothing": () => new Response('{"__proto__":{"accepted":3,"rejected":[]}}'),
  "a code that is no problem": () => Response.json({ code: "use_taken" }, { status: 409 }),
  "an empty refusal": () => new Response("", { status: 401 }),
};

/** Lists of rejected events that make no sense, and what the client tells of them. */
const REJECTED: Readonly<Record<string, { rejected: unknown[]; dropped: Record<string, number> }>> = {
  "null as a rejected event": { rejected: [null], dropped: { events_invalid: 1 } },
  "a code with mark-up in it": { rejected: [{ code: "<b>" }], dropped: { events_invalid: 1 } },
};

export const LOG_ANSWER_LIES = rows("logs", [
  ...Object.entries(STRANGE).map(([what, answer]): Row => ({
    name: `${what} in place of a success`,
    tell: { logs: afterwards(answer) },
    client: {},
  })),
  ...Object.entries(REJECTED).map(([name, { rejected, dropped }]): Row => ({
    name,
    tell: { logs: afterwards(() => Response.json({ accepted: 3, rejected })) },
    // Only the first log is lied about.
    client: { sent: 3 - Object.values(dropped).reduce((sum, count) => sum + count), dropped },
  })),
  {
    name: "a success of a log that was thrown away",
    tell: { logs: instead('{"accepted":3,"rejected":[]}') },
    client: { sent: 3, untrue: 3 },
  },
  {
    name: "a success of more events than there are",
    tell: { logs: afterwards(() => Response.json({ accepted: 2 ** 53, rejected: [] })) },
    client: { sent: 3 },
  },
  {
    name: "410 for every log",
    tell: { logs: instead("gone", { status: 410 }) },
    client: { refused: ["logs status_410"] },
  },
  {
    name: "an answer without an end to every log",
    tell: { logs: endless },
    client: { refused: ["logs no_answer"] },
  },
  { name: "a bomb as an answer to every log", tell: { logs: bomb }, client: { refused: ["logs no_answer"] } },
  {
    name: "an answer that never comes to a log",
    tell: { logs: stalled },
    rounds: 1,
    client: { refused: ["logs no_answer"] },
  },
]);

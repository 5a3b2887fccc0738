/** Waits and freshness that make no sense. */
import { headers, problem } from "../answers.ts";
import { type Lie, rows } from "../table.ts";

/** What is no wait, or one without an end. */
const WAITS = {
  "a negative Retry-After": "-100",
  "a Retry-After in words": "Infinity",
  "a Retry-After of a thousand digits": "9".repeat(1_000),
  "a Retry-After with an exponent": "1e9",
  "a Retry-After until the year 9999": "Fri, 31 Dec 9999 23:59:59 GMT",
};

/** What is no freshness, or one without an end. */
const FRESHNESS = {
  "a Cache-Control of years": "public, max-age=999999999, immutable",
  "a Cache-Control of a thousand digits": `max-age=${"9".repeat(1_000)}`,
  "a negative Cache-Control": "max-age=-1",
};

export const WAIT_LIES = rows("time", [
  ...Object.entries(WAITS).flatMap(([name, wait]): Omit<Lie, "area">[] => [
    {
      name: `${name} of a log`,
      tell: { logs: problem(503, "overloaded", { "retry-after": wait }) },
      client: { refused: ["logs overloaded"] },
    },
    {
      name: `${name} of a token`,
      tell: { tokens: problem(503, "overloaded", { "retry-after": wait }) },
      client: { refused: ["tokens overloaded"], keepsTokens: false },
    },
  ]),
  ...Object.entries(FRESHNESS).map(([name, cacheControl]): Omit<Lie, "area"> => ({
    name: `${name} of keys and a schema that stops everything`,
    tell: {
      keys: headers({ "cache-control": cacheControl }),
      async schema({ honest }) {
        const schema = await (await honest()).json();
        for (const event of schema.events) event.state = "stopped";
        return Response.json(schema, { headers: { "cache-control": cacheControl } });
      },
    },
    // An hour later it is asked for again.
    client: { dropped: { collection_stopped: 3 } },
  })),
]);

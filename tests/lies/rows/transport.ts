/** Lies below the protocol: redirects, cookies, lengths, broken connections. */
import { bomb, endless, everywhere, headers, instead, stalled, withHeaders } from "../answers.ts";
import { broken } from "../lying_service.ts";
import { type Answer, type Lie, rows } from "../table.ts";

type Row = Omit<Lie, "area">;

const STEPS = ["keys", "schema", "tokens", "logs"] as const;
const named = { keys: "directory", schema: "schema", tokens: "tokens", logs: "logs" };

/** A lie to each step by itself. */
const each = (name: (step: string) => string, answer: Answer): Row[] =>
  STEPS.map((step) => ({
    name: name(named[step]),
    tell: { [step]: answer },
    client: { refused: [`${named[step]} no_answer`] },
  }));

/** Headers by which a browser could be had to do or to remember something. */
const HINTS = {
  "set-cookie": "you=1; Path=/; Max-Age=31536000",
  refresh: "0; url=/elsewhere",
  link: '</elsewhere>; rel=preload; as=fetch, </elsewhere>; rel="prefetch"',
  "alt-svc": 'h3=":443"; ma=31536000; persist=1',
  "accept-ch": "Sec-CH-UA-Model, Sec-CH-UA-Full-Version-List",
  "critical-ch": "Sec-CH-UA-Model",
  nel: '{"report_to":"you","max_age":31536000}',
  "report-to": '{"group":"you","max_age":31536000,"endpoints":[{"url":"/elsewhere"}]}',
  "last-modified": "Thu, 01 Jan 1970 00:00:01 GMT",
  "content-location": "/elsewhere",
  "speculation-rules": '"/elsewhere"',
};

/** A body cut in the middle, of an answer that says its length. */
const cut: Answer = async ({ honest }) => {
  await (await honest()).body?.cancel();
  return broken();
};

export const TRANSPORT_LIES = rows("transport", [
  ...[301, 302, 307, 308].flatMap((status, index) =>
    each(
      (step) => `a ${status} that leads elsewhere, to ${step}`,
      instead(null, { status, headers: { location: "/elsewhere" } }),
      // Each step has its kind of redirect; what a runtime makes of one does not depend on the step.
    ).slice(index, index + 1)
  ),
  ...each((step) => `a connection that breaks in the answer to ${step}`, cut),
  ...each((step) => `a bomb as ${step}`, bomb).slice(0, 3),
  ...each((step) => `an endless answer to ${step}`, endless).slice(0, 2),
  ...each((step) => `bytes that no gzip made as ${step}`, headers({ "content-encoding": "gzip" })),
  {
    name: "an answer to the directory that never comes",
    tell: { keys: stalled },
    rounds: 1,
    client: { refused: ["directory no_answer"] },
  },
  {
    name: "an answer to the schema that never comes",
    tell: { schema: stalled },
    rounds: 1,
    client: { refused: ["schema no_answer"] },
  },
  {
    name: "cookies, hints, reports and links with every answer",
    tell: everywhere(headers(HINTS)),
    client: { sent: 3 },
  },
  {
    name: "32 KiB of headers with every answer",
    tell: everywhere(async ({ honest }) => {
      const filled = Array.from({ length: 8 }, (_, index) => [`x-${index}`, "0".repeat(4096)]);
      return withHeaders(await honest(), Object.fromEntries(filled));
    }),
    client: { sent: undefined },
  },
  {
    name: "no content type with any answer",
    tell: everywhere(headers({ "content-type": undefined })),
    client: { refused: ["tokens not_verified"], keepsTokens: false },
  },
  {
    name: "410 for everything",
    tell: everywhere(instead("gone", { status: 410 })),
    client: { refused: ["schema status_410"] },
  },
  {
    name: "404 for everything",
    tell: everywhere(instead("", { status: 404 })),
    client: { refused: ["schema status_404"] },
  },
  {
    name: "a success without a word for everything",
    tell: everywhere(instead("")),
    client: { refused: ["schema malformed"] },
  },
]);

/** Lies about tokens. */
import { afterwards, bytes, endless, headers, instead, problem, stalled } from "../answers.ts";
import { rows } from "../table.ts";

const ELEMENT = 32;
const REFUSED = { refused: ["tokens not_verified"], keepsTokens: false };

/** One bit changed, so many bytes from the start or (negative) the end. */
const flip = (at: number) =>
  bytes((body) => body.map((byte, index) => index === (at < 0 ? body.length + at : at) ? byte ^ 1 : byte));

/** Ways to answer that no proof covers. */
const FORGED = {
  "a wrong challenge in the proof": flip(-64),
  "a wrong response in the proof": flip(-1),
  "a wrong evaluation": flip(10),
  "a prefix that says another length": flip(1),
  "a proof that is cut": bytes((body) => body.slice(0, -1)),
  "a byte behind the proof": bytes((body) => Uint8Array.of(...body, 0)),
  "nothing as tokens": bytes(() => ""),
  "zeros as tokens": bytes((body) => new Uint8Array(body.length)),
  "a megabyte less than it says": bytes((body) => Uint8Array.of(0x80, 0x10, 0, 0, ...body)),
  "tokens as another content type": headers({ "content-type": "application/octet-stream" }),
  "a success without a body": instead(null),
};

/** Ways to answer a request for two tokens. */
const TWO = {
  "swapped evaluations": bytes((body) => {
    const at = body.length - 64 - 2 * ELEMENT;
    const [first, second] = [body.slice(at, at + ELEMENT), body.slice(at + ELEMENT, at + 2 * ELEMENT)];
    return Uint8Array.of(...body.slice(0, at), ...second, ...first, ...body.slice(at + 2 * ELEMENT));
  }),
  "one evaluation too few": bytes((body) => Uint8Array.of(ELEMENT, ...body.slice(-64 - ELEMENT))),
  "one evaluation twice": bytes((body) => {
    const at = body.length - 64 - 2 * ELEMENT;
    const first = body.slice(at, at + ELEMENT);
    return Uint8Array.of(...body.slice(0, at), ...first, ...first, ...body.slice(-64));
  }),
};

export const TOKEN_LIES = rows("tokens", [
  ...Object.entries(FORGED).map(([name, tokens]) => ({ name, tell: { tokens }, client: REFUSED })),
  ...Object.entries(TWO).map(([name, tokens]) => ({
    name,
    tell: { tokens },
    // More than one body holds, so that two tokens of one use are asked for.
    events: 101,
    service: { usesPerToken: 1 },
    client: REFUSED,
  })),
  {
    name: "tokens without an end",
    tell: { tokens: endless },
    client: { refused: ["tokens no_answer"], keepsTokens: false },
  },
  {
    name: "tokens that never come",
    tell: { tokens: stalled },
    rounds: 1,
    client: { refused: ["tokens no_answer"], keepsTokens: false },
  },
  {
    name: "session_invalid for every session",
    tell: { tokens: problem(401, "session_invalid") },
    // Each of three passes signs in again once.
    client: { refused: ["tokens session_invalid"], keepsTokens: false, most: { tokens: 6 } },
  },
  {
    name: "key_not_issuing for every key",
    tell: { tokens: problem(422, "key_not_issuing") },
    client: { refused: ["tokens key_not_issuing"], keepsTokens: false, most: { tokens: 9, keys: 9 } },
  },
  {
    name: "quota_exhausted for every client",
    tell: { tokens: problem(429, "quota_exhausted") },
    client: { refused: ["tokens quota_exhausted"], keepsTokens: false, most: { tokens: 4 } },
  },
  {
    name: "batch_invalid for every batch",
    tell: { tokens: problem(422, "batch_invalid") },
    client: { refused: ["tokens batch_invalid"], keepsTokens: false, most: { tokens: 6 } },
  },
  {
    name: "405 for tokens",
    tell: { tokens: problem(405, "method_not_allowed") },
    client: { refused: ["tokens method_not_allowed"], keepsTokens: false },
  },
  {
    name: "410 for tokens",
    tell: { tokens: instead("gone", { status: 410 }) },
    client: { refused: ["tokens status_410"], keepsTokens: false },
  },
  {
    name: "a lost answer for every batch",
    tell: { tokens: afterwards(() => new Response(null, { status: 502 })) },
    client: { refused: ["tokens status_502"], keepsTokens: false },
  },
]);

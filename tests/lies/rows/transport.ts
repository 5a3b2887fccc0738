/** Lies below the protocol: redirects, cookies, lengths, broken connections. */
import { endless, headers } from "../answers.ts";
import { rows } from "../table.ts";

export const TRANSPORT_LIES = rows("transport", [
  {
    name: "a cookie with every answer",
    tell: Object.fromEntries(
      ["keys", "schema", "tokens", "logs"].map((
        step,
      ) => [step, headers({ "set-cookie": "you=1; Path=/; Max-Age=31536000" })]),
    ),
    client: { sent: 3 },
  },
  { name: "an endless directory", tell: { keys: endless }, client: { refused: ["directory no_answer"] } },
]);

/** Lies about logs. */
import { afterwards, problem } from "../answers.ts";
import { rows } from "../table.ts";

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
]);

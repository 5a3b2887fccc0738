/** Lies about time. */
import { headers } from "../answers.ts";
import { rows } from "../table.ts";

export const TIME_LIES = rows("time", [
  {
    name: "no readable Date",
    tell: { keys: headers({ date: "" }), schema: headers({ date: "" }) },
    client: { sent: 3 },
  },
]);

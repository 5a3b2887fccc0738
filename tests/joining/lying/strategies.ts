/** All ways in which a lying service tries to join. */
import { KEY_STRATEGIES } from "./keys.ts";
import { PRESENCE_STRATEGIES } from "./presence.ts";
import { REFUSAL_STRATEGIES } from "./refusals.ts";
import { SCHEMA_STRATEGIES } from "./schema.ts";
import type { Strategy } from "./strategy.ts";
import { TIME_STRATEGIES } from "./time.ts";
import { TOKEN_STRATEGIES } from "./tokens.ts";

/** Each with what is conceded. */
export const STRATEGIES: readonly Strategy[] = [
  ...KEY_STRATEGIES,
  ...SCHEMA_STRATEGIES,
  ...TIME_STRATEGIES,
  ...REFUSAL_STRATEGIES,
  ...PRESENCE_STRATEGIES,
  ...TOKEN_STRATEGIES,
];

/** Lies about what is collected. */
import { document, instead } from "../answers.ts";
import { rows } from "../table.ts";

export const SCHEMA_LIES = rows("schema", [
  {
    name: "the schema of another application",
    tell: { schema: document((schema) => ({ ...schema, app: "others" })) },
    client: { refused: ["schema malformed"], keepsTokens: false },
  },
  {
    name: "a schema that is no JSON",
    tell: { schema: instead("<html>Sign in to the hotel's network</html>") },
    client: { refused: ["schema malformed"] },
  },
]);

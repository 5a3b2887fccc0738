/** Lies about keys and endpoints. */
import { document, headers } from "../answers.ts";
import { rows } from "../table.ts";

export const DIRECTORY_LIES = rows("directory", [
  {
    name: "an ETag of its own for every client",
    tell: { keys: headers({ etag: `"${"A".repeat(43)}"` }) },
    client: { refused: ["directory etag_not_the_hash"], keepsTokens: false },
  },
  {
    name: "keys of its own for one client, after it has seen others",
    tell: { keys: ({ other }) => other() },
    before: 1,
    later: 2 * 86_400,
    // It goes on with the keys that were published ahead.
    client: { refused: ["directory key_changed"], sent: 3 },
  },
  {
    name: "an endpoint for logs at another host",
    tell: {
      keys: document((directory) => ({ ...directory, "logging-endpoint": "https://logs.elsewhere.example" })),
    },
    client: { refused: ["directory endpoint_foreign"], keepsTokens: false },
  },
]);

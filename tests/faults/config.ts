import { defineConfig } from "../../core/config/mod.ts";

/** What the services of the fault tests and of the load generator run: many tokens a client, small logs. */
export default defineConfig({
  issuer: "telemetry.example",
  applications: {
    load: {
      session: { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "DIT_SESSION_SECRET" } },
      maxBatch: 256,
      // Each pseudonym says something of its own here: nothing is to be stopped for it.
      risk: { action: "warn" },
      tokensPerClient: 1024,
      events: {
        ping: {
          description: "A test has sent a log.",
          purpose: "Whether every log arrives once.",
          owner: "dit-maintainers",
          identifying: "Every log of a test is looked for among the records.",
          expires: "2099-12-31",
          fields: {
            ok: { type: "boolean" },
            latency_ms: { type: "bucket", edges: [10, 100, 1000] },
            // Tells the records of one pseudonym apart.
            mark: { type: "integer", min: 0, max: 65_535, optional: true },
          },
        },
      },
    },
  },
});

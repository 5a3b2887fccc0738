import { defineConfig } from "../../core/config/mod.ts";

/** What the services of the fault tests and of the load generator run: many tokens a client, small logs. */
export default defineConfig({
  issuer: "telemetry.example",
  applications: {
    load: {
      session: { issuer: "https://login.example", key: { kind: "hs256", secretEnv: "DIT_SESSION_SECRET" } },
      maxBatch: 256,
      tokensPerClient: 1024,
      events: {
        ping: {
          description: "A test has sent a log.",
          purpose: "Whether every log arrives once.",
          owner: "dit-maintainers",
          expires: "2099-12-31",
          fields: {
            ok: { type: "boolean" },
            latency_ms: { type: "bucket", edges: [10, 100, 1000] },
          },
        },
      },
    },
  },
});

/**
 * The configuration of the service in the canary test: one application, which another service uses as well.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { defineConfig } from "../../core/config/mod.ts";

/** The token of the other service. */
export const SERVICE_TOKEN = "service-token-of-the-canary-test-0123456";

export default defineConfig({
  issuer: "telemetry.example",
  applications: {
    notes: {
      session: {
        issuer: "https://login.example",
        key: { kind: "hs256", secretEnv: "DIT_SESSION_SECRET" },
      },
      serviceTokenSha256: createHash("sha256").update(SERVICE_TOKEN).digest("hex"),
      events: {
        note_saved: {
          description: "A note was saved.",
          purpose: "How often saving fails.",
          owner: "notes-team",
          expires: "2099-12-31",
          fields: { ok: { type: "boolean" }, platform: { type: "enum", values: ["web", "phone"] } },
        },
      },
    },
  },
});

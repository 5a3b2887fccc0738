import { createHash } from "node:crypto";
import { defineConfig } from "../../core/config/mod.ts";
import config from "../../tests/faults/config.ts";

/** With it a log server reaches the ACS of another region. */
export const SERVICE_TOKEN = "service-token-of-the-bench-of-regions-0";

const { load } = config.applications;

/** What all services of the bench run. */
export default defineConfig({
  ...config,
  applications: {
    load: { ...load, serviceTokenSha256: createHash("sha256").update(SERVICE_TOKEN).digest("hex") },
  },
});

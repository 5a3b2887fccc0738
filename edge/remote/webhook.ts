/**
 * Alerts as calls of a webhook, in the form that Slack and its like take: `{"text": "..."}`.
 *
 * `DIT-Signature: t=<unix seconds>,v1=<hex>`, where v1 is HMAC-SHA-256 under the shared secret over `<t>.<body>`: the
 * receiver knows who calls, and by t that it is no old call repeated.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { type AlertRow, alertText } from "../../core/privacy/risk/alerts.ts";
import { secretBytes } from "../../core/base/secret_bytes.ts";

/** Fewest bytes of a webhook's secret. */
const MIN_SECRET_BYTES = 32;
const TIMEOUT_MS = 10_000;

/** The webhook cannot be called as it is configured. */
export class WebhookSetupError extends Error {
  override readonly name = "WebhookSetupError";
}

/** Where alerts go. */
export interface WebhookOptions {
  /** The URL. */
  readonly url: string;
  /** The environment variable that the secret is in, to name it in errors. */
  readonly secretEnv: string;
  /** Gives the value of an environment variable. */
  readonly secret: (name: string) => string | undefined;
  /** Makes the call. */
  readonly fetch: typeof fetch;
  /** Unix seconds, whole. */
  readonly now: () => number;
}

/**
 * Makes the function that sends an alert and gives whether it was taken (any 2xx).
 * @throws {WebhookSetupError} If the secret is not there or too short.
 */
export function alertWebhook(options: WebhookOptions): (alert: AlertRow) => Promise<boolean> {
  const secret = secretBytes(options.secret(options.secretEnv) ?? "");
  if (secret === undefined || secret.length < MIN_SECRET_BYTES) {
    throw new WebhookSetupError(
      `Set ${options.secretEnv} to a secret of at least ${MIN_SECRET_BYTES} bytes, as text or as "base64:" and ` +
        "their base64: it signs the alerts' webhook.",
    );
  }
  return async function sendAlert(alert: AlertRow): Promise<boolean> {
    const body = JSON.stringify({ text: alertText(alert) });
    const time = options.now();
    const signature = createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
    try {
      const response = await options.fetch(options.url, {
        method: "POST",
        headers: { "content-type": "application/json", "dit-signature": `t=${time},v1=${signature}` },
        body,
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  };
}

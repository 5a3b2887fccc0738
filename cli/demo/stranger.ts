/**
 * A stranger of the demo: they have read the protocol and hold no token, so everything they try has to be refused.
 *
 * @module
 */
import { fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { formatCredential } from "../../core/token/credential.ts";

/** What became of one stranger. */
export interface StrangerResult {
  /** The codes with which their attempts were refused. */
  readonly refused: readonly string[];
  /** Attempts that were not refused: there must be none. */
  readonly accepted: number;
}

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Tries a made-up token, a forged MAC under a real key, no token at all, and to be issued tokens without a session. */
export async function runStranger(endpoint: string): Promise<StrangerResult> {
  const directory = await (await fetch(`${endpoint}/v1/apps/demo/keys`)).json();
  const [key] = directory["token-keys"] as { "token-key-id": string; "token-type": number }[];
  if (key === undefined) throw new Error("The service publishes no key to forge a MAC under.");
  const body = utf8(JSON.stringify({
    salt: toBase64url(random(16)),
    pseudonym: toBase64url(random(16)),
    events: [{ name: "client_start", fields: { platform: "other", runtime: "1.0" } }],
  }));
  const log = (keyId?: Uint8Array): [string, RequestInit] => ["logs", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(keyId === undefined
        ? {}
        : { authorization: formatCredential({ keyId, nonce: random(32), use: 0, mac: random(32) }) }),
    },
    body,
  }];
  const attempts: [string, RequestInit][] = [
    log(random(32)),
    log(fromBase64url(key["token-key-id"], 32)),
    log(),
    ["tokens", {
      method: "POST",
      headers: { "content-type": "application/private-token-amortized-batch-request" },
      body: random(64),
    }],
  ];
  const refused: string[] = [];
  for (const [route, init] of attempts) {
    const response = await fetch(`${endpoint}/v1/apps/demo/${route}`, init);
    const answer = await response.json().catch(() => ({}));
    if (!response.ok && typeof answer.code === "string") refused.push(answer.code);
  }
  return { refused, accepted: attempts.length - refused.length };
}

/**
 * Every way in which a request is known to say who or where somebody is, each filled with a canary.
 *
 * @module
 */
import type { Canaries } from "./canaries.ts";

/** Header fields whose value is just the canary. */
const PLAIN = [
  // Who and where, as clients, proxies and load balancers say it.
  ..."from x-client-ip true-client-ip x-cluster-client-ip x-remote-addr x-user x-user-id"
    .split(" "),
  ..."x-device-id x-session-id x-csrf-token x-api-key x-auth-token x-forwarded-user".split(
    " ",
  ),
  // Edge vendors.
  ..."cf-ray cf-ipcountry cf-bot-score cf-ja3-hash cf-visitor cdn-loop fastly-client-ip".split(" "),
  ..."fastly-ff x-vercel-id x-vercel-ja4-digest x-amz-cf-id x-amzn-requestid".split(" "),
  ..."cloudfront-viewer-address cloudfront-viewer-ja3-fingerprint x-azure-clientip x-azure-ref".split(" "),
  ..."x-appengine-city fly-client-ip x-nf-client-connection-ip".split(" "),
  ..."x-akamai-edgescape akamai-client-ip x-deno-ray x-real-port".split(" "),
  // Client hints and what browsers add.
  ..."sec-ch-ua sec-ch-ua-platform sec-ch-ua-model sec-ch-ua-full-version-list sec-ch-ua-arch".split(" "),
  ..."sec-fetch-site sec-fetch-mode sec-fetch-dest sec-gpc dnt device-memory downlink ect rtt".split(" "),
  ..."save-data viewport-width dpr x-requested-with priority".split(" "),
  // Ids of requests and traces.
  ..."x-request-id x-correlation-id tracestate b3 x-b3-traceid uber-trace-id".split(" "),
  ..."x-datadog-trace-id sentry-trace newrelic x-cloud-trace-context x-dit-code".split(" "),
] as const;

/** Header fields that have a form of their own. */
const FORMED: Readonly<Record<string, (canary: string) => string>> = {
  "user-agent": (canary) => `Mozilla/5.0 (${canary})`,
  "accept-language": (canary) => `de-AT,${canary};q=0.5`,
  accept: (canary) => `application/${canary}`,
  referer: (canary) => `https://page.example/${canary}`,
  origin: (canary) => `https://${canary}.example`,
  cookie: (canary) => `theme=dark; id=${canary}`,
  "if-none-match": (canary) => `"${canary}"`,
  etag: (canary) => `"${canary}"`,
  via: (canary) => `1.1 ${canary}`,
  baggage: (canary) => `userId=${canary}`,
  "proxy-authorization": (canary) => `Basic ${canary}`,
  "access-control-request-headers": (canary) => `x-${canary}`,
  "access-control-request-method": (canary) => canary,
  "x-amzn-trace-id": (canary) => `Root=1-${canary}`,
  "content-language": (canary) => canary,
};

/** Made-up addresses, in the header fields that carry them. */
const ADDRESSES: Readonly<Record<string, (address: string) => string>> = {
  "x-forwarded-for": (address) => `10.0.0.1, ${address}`,
  forwarded: (address) => `for=${address};proto=https`,
  "x-real-ip": (address) => address,
  "cf-connecting-ip": (address) => address,
};

/** Canaries in so many header fields that few are left; `scope` names the request. */
export function telltaleHeaders(canaries: Canaries, scope: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of PLAIN) headers[name] = canaries.make(`${scope}: ${name}`);
  // A hash is mostly taken of a field as it is: it says nothing of the canary inside.
  const whole = (name: string, value: string) => canaries.add(`${scope}: ${name}, whole`, value);
  for (const [name, form] of Object.entries(FORMED)) {
    headers[name] = whole(name, form(canaries.make(`${scope}: ${name}`)));
  }
  for (const [name, form] of Object.entries(ADDRESSES)) {
    headers[name] = whole(name, form(canaries.add(`${scope}: ${name}`, madeUpAddress())));
  }
  // A trace's id is bytes: as such it would stand in what is exported.
  const trace = canaries.add(`${scope}: traceparent`, crypto.getRandomValues(new Uint8Array(16)).toHex());
  const parent = crypto.getRandomValues(new Uint8Array(8)).toHex();
  headers.traceparent = `00-${trace}-${canaries.add(`${scope}: traceparent's span`, parent)}-01`;
  return headers;
}

function madeUpAddress(): string {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return `198.${18 + a! % 2}.${100 + b! % 100}.${100 + c! % 100}`;
}

/**
 * The short way of a log: a request that is plainly one is found before the router, and becomes a plain object for its
 * verb instead of a second request for Hono. Whatever is unusual about it goes the long way (edge/deidentify.ts), which
 * answers it with the same bytes.
 *
 * @module
 */
import { type AccessLogOptions, answerTeller } from "./access_log.ts";
import type { Admission } from "./admission/admission.ts";
import { hopReader } from "./hop.ts";
import { type HostRule, hostRule } from "./host_rule.ts";
import { EXPOSED_EARLY } from "./http/headers.ts";
import { type LogAnswer, refusedLog } from "./log_answer.ts";
import { readBounded } from "./http/read_body.ts";
import { type LogMessage, stripLogFields } from "./log_message.ts";
import { kindOf } from "./strip.ts";

/** What the short way shares with the long one. */
export interface DirectOptions extends AccessLogOptions, HostRule {
  /** Reads whose request it is; the address of the connection by default. */
  readonly senderOf?: ((connection: string | undefined, headers: Headers) => string) | undefined;
  /** The transient throttle. */
  readonly admission: Admission;
  /** The secret of the hop between regions; without it no request counts as sent on. */
  readonly hopToken?: string | undefined;
}

/** Answers a log that was stripped, refusals too. It never rejects. */
export type SendLog = (message: LogMessage) => Promise<LogAnswer>;

/** Where a plain log goes. */
interface DirectTarget {
  /** The application's id. */
  readonly app: string;
  /** The name in the authority, as a URL has it. */
  readonly hostname: string;
}

const TARGET = /^https?:\/\/([a-z0-9._-]+(?::[0-9]{1,5})?)\/v1\/apps\/([a-z0-9-]+)\/logs$/;

/**
 * Makes the function that answers a log, or gives undefined where a request is none, or none that is plain: of this very
 * method, path, type and host, in the usual letters.
 */
export function directLogs(
  options: DirectOptions,
  sendLog: SendLog,
): (request: Request, address: string | undefined) => Promise<Response> | undefined {
  const { admission, senderOf = (connection = "") => connection } = options;
  const [readHop, checkHost, tell] = [hopReader(options.hopToken), hostRule(options), answerTeller(options)];
  const kind = kindOf("/v1/apps/demo/logs");
  const readTarget = directTargets();

  async function answer(
    { headers, body }: Request,
    { app, hostname }: DirectTarget,
    address: string | undefined,
  ): Promise<Response> {
    const startedAt = performance.now();
    let answered: LogAnswer;
    try {
      const hop = readHop(headers, kind);
      const place = admission.enter({ address: senderOf(address, headers), exempt: hop === "valid" });
      try {
        // A hop comes from a region and not from a client, to the URL that regions use among themselves.
        if (hop !== "valid") checkHost(kind, { hostname });
        const fields = stripLogFields(headers);
        const readBody: LogMessage["readBody"] = (bounds) => readBounded(body, { ...bounds, wait: place });
        answered = await sendLog({ app, fields, hop, readBody });
      } finally {
        place.leave();
      }
    } catch (error) {
      answered = refusedLog(error, EXPOSED_EARLY);
    }
    const { status, code, outcome } = answered;
    tell({
      route: kind.name,
      app,
      status,
      code,
      outcomes: [outcome],
      milliseconds: performance.now() - startedAt,
    });
    return new Response(answered.body, answered);
  }

  return function answerDirectly(request, address) {
    if (request.method !== "POST") return undefined;
    const target = readTarget(request);
    return target === undefined ? undefined : answer(request, target, address);
  };
}

/** Makes the function that reads a plain target. It remembers the last host: nearly every request has the same one. */
function directTargets(): (request: Request) => DirectTarget | undefined {
  let last: { readonly authority: string; readonly hostname: string } | undefined;
  return function readTarget({ url, headers }) {
    const [, authority, app] = TARGET.exec(url) ?? [];
    if (authority === undefined || app === undefined) return undefined;
    if ((headers.get("host") ?? authority) !== authority) return undefined;
    if (headers.get("content-type") !== "application/json") return undefined;
    if (last?.authority !== authority) {
      const hostname = URL.parse(url)?.hostname;
      if (hostname === undefined) return undefined;
      last = { authority, hostname };
    }
    return { app, hostname: last.hostname };
  };
}

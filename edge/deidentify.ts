/**
 * The edge put together: what a request carries besides its message ends here. Each part is a file of its own, and
 * edge/strip.ts says what may pass.
 *
 * @module
 */
import { accessLog, type AccessLogOptions } from "./access_log.ts";
import type { Admission } from "./admission.ts";
import { hopReader } from "./hop.ts";
import { type HostRule, hostRule } from "./host_rule.ts";
import { problemResponse } from "./http/problem.ts";
import { kindOf, strip, stripAnswer } from "./strip.ts";
import { readTarget } from "./target.ts";

/** What the edge is made of. */
export interface EdgeOptions extends AccessLogOptions, HostRule {
  /** The handlers. */
  readonly handle: (request: Request) => Response | Promise<Response>;
  /** The transient throttle. */
  readonly admission: Admission;
  /** A much narrower one for attempts to sign in to the console. */
  readonly signInAdmission?: Admission | undefined;
  /** The secret of the hop between regions; without it no request counts as sent on. */
  readonly hopToken?: string | undefined;
}

/** Takes a request and the address that it came from, which goes no further than the throttle. */
export type EdgeHandler = (request: Request, address: string | undefined) => Promise<Response>;

const SIGN_IN_PATH = "/console/sign-in";

/** Makes the function to give to `Deno.serve`. It never rejects: the runtime would write the request's URL down. */
export function deidentify(options: EdgeOptions): EdgeHandler {
  const { handle, admission, signInAdmission = admission } = options;
  const [readHop, checkHost, tellOf] = [hopReader(options.hopToken), hostRule(options), accessLog(options)];
  return async function handleRequest(request, address) {
    const startedAt = performance.now();
    const { method, headers } = request;
    // What has no target that can be believed is of no kind.
    let path = "";
    let kind = kindOf(path);
    let response: Response;
    try {
      const url = readTarget(request);
      path = url.pathname;
      kind = kindOf(path);
      const hop = readHop(headers, kind);
      // One ACS serves many clients over a few connections of log servers, which show a token first.
      const exempt = hop === "valid" || kind.name === "acs";
      const throttle = method === "POST" && path === SIGN_IN_PATH ? signInAdmission : admission;
      const forwardedFor = headers.get("x-forwarded-for");
      response = await throttle.admit({ address, forwardedFor, exempt }, async () => {
        // A hop comes from a region and not from a client, to the URL that regions use among themselves.
        if (hop !== "valid") checkHost(kind, url);
        return await handle(strip(request, url, { kind, hop }));
      });
    } catch (error) {
      response = readableEverywhere(problemResponse(error));
    }
    tellOf({ kind, method, path, response, milliseconds: performance.now() - startedAt });
    return stripAnswer(response, kind);
  };
}

/** Without it a page of another origin could not read why it was refused, and when to try again. */
function readableEverywhere(response: Response): Response {
  response.headers.set("access-control-allow-origin", "*");
  response.headers.set("access-control-expose-headers", "Retry-After");
  return response;
}

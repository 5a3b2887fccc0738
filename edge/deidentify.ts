/**
 * The edge put together: what a request carries besides its message ends here. Each part is a file of its own, and
 * edge/strip.ts says what may pass.
 *
 * @module
 */
import { accessLog } from "./access_log.ts";
import type { Guesses } from "./admission/guesses.ts";
import { directLogs, type DirectOptions, type SendLog } from "./direct_logs.ts";
import { hopReader } from "./hop.ts";
import { hostRule } from "./host_rule.ts";
import type { EdgeBindings } from "./http/body_wait.ts";
import { EXPOSED_EARLY } from "./http/headers.ts";
import { problemResponse } from "./http/problem.ts";
import { problemPage, wantsPage } from "./http/problem_page.ts";
import { kindOf, type RouteKind, strip, stripAnswer } from "./strip.ts";
import { readTarget } from "./target.ts";

/** What the edge is made of. */
export interface EdgeOptions extends DirectOptions {
  /** The handlers. */
  readonly handle: (request: Request, bindings: EdgeBindings) => Response | Promise<Response>;
  /** Answers logs that come the short way; without it all go through the handlers. */
  readonly sendLog?: SendLog | undefined;
  /** Counts attempts to find an operator's token; they are not counted without. */
  readonly guesses?: Guesses | undefined;
  /** Counts sign-ins at the identity provider; they are not counted without. */
  readonly signIns?: Guesses | undefined;
  /** Whether an Authorization header has an operator's token; nobody's has by default. */
  readonly isOperator?: ((authorization: string) => boolean) | undefined;
  /** Whether a request to the ACS shows the service token of its application; none does by default. */
  readonly isService?: ((path: string, headers: Headers) => boolean) | undefined;
}

/** Takes a request and the address that it came from, which goes no further than the throttle. */
export type EdgeHandler = (request: Request, address: string | undefined) => Promise<Response>;

const SIGN_IN_PATH = "/console/sign-in";
/** Where a sign-in at the identity provider begins, and where it comes back to: both may have the provider asked. */
const PROVIDER_PATHS: ReadonlySet<string> = new Set(["/console/sign-in/oidc", "/console/sign-in/callback"]);
/** Kinds of routes that an operator's token opens. */
const OPERATORS: ReadonlySet<string> = new Set(["admin", "metrics"]);

/** Makes the function to give to `Deno.serve`. It never rejects: the runtime would write the request's URL down. */
export function deidentify(options: EdgeOptions): EdgeHandler {
  const { handle, admission, senderOf = (connection = "") => connection, isService } = options;
  const guard = guessGuard(options);
  const [readHop, checkHost, tellOf] = [hopReader(options.hopToken), hostRule(options), accessLog(options)];
  const answerDirectly = options.sendLog && directLogs(options, options.sendLog);

  async function answerAny(request: Request, address: string | undefined): Promise<Response> {
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
      const sender = senderOf(address, headers);
      // One ACS serves many clients over a few connections of log servers: those that have shown their token.
      const exempt = hop === "valid" || (kind.name === "acs" && isService?.(path, headers) === true);
      response = await admission.admit({ address: sender, exempt }, async (wait) => {
        // A hop comes from a region and not from a client, to the URL that regions use among themselves.
        if (hop !== "valid") checkHost(kind, url);
        guard(sender, { kind, method, path, headers });
        return await handle(strip(request, url, { kind, hop }), { wait });
      });
    } catch (error) {
      response = kind.name === "console" && wantsPage(headers)
        ? problemPage(error)
        : readableEverywhere(problemResponse(error));
    }
    tellOf({ kind, method, path, response, milliseconds: performance.now() - startedAt });
    return stripAnswer(response, kind);
  }

  return function handleRequest(request, address) {
    return answerDirectly?.(request, address) ?? answerAny(request, address);
  };
}

/** What the guard against guessing looks at. */
type Shown = Pick<Request, "method" | "headers"> & { readonly kind: RouteKind; readonly path: string };

/** Makes the function that refuses who has tried too many wrong tokens, and every form of a network that has. */
function guessGuard(
  { guesses, signIns, isOperator = () => false }: EdgeOptions,
): (sender: string, shown: Shown) => void {
  return function refuseGuessing(sender, { kind, method, path, headers }) {
    if (method === "POST" && path === SIGN_IN_PATH) guesses?.attempt(sender);
    if (PROVIDER_PATHS.has(path)) signIns?.attempt(sender);
    if (!OPERATORS.has(kind.name)) return;
    const authorization = headers.get("authorization");
    if (authorization !== null) guesses?.shown(sender, () => isOperator(authorization));
  };
}

/** Without it a page of another origin could not read why it was refused, and when to try again. */
function readableEverywhere(response: Response): Response {
  response.headers.set("access-control-allow-origin", "*");
  response.headers.set("access-control-expose-headers", EXPOSED_EARLY);
  return response;
}

/**
 * The rungs of the ladder: what a log costs when a server does nothing but answer, and when it does one thing more each
 * time. What is above "headers" is made of the product's own functions.
 *
 * @module
 */
import { acceptLog, type AcceptLogContext } from "../../core/acs/accept_log.ts";
import type { LocalUse } from "../../core/acs/redeemer.ts";
import { MAX_BODY_BYTES } from "../../core/schema/body.ts";
import { digestBody } from "../../core/token/body_digest.ts";
import { parseCredential } from "../../core/token/credential.ts";
import { Admission } from "../../edge/admission/admission.ts";
import { deidentify } from "../../edge/deidentify.ts";
import { type LogAnswer, storedLog } from "../../edge/log_answer.ts";
import type { AssembledTest } from "../../tests/support/service/assembled.ts";
import { systemRandom } from "../../tests/support/service/assembled.ts";
import { APP, assembleOn, now } from "../http/mint.ts";

/** What answers a request from an address. */
export type Handler = (request: Request, address: string) => Response | Promise<Response>;

/** One server of the ladder. */
export interface Rung {
  /** What it does more than the one before, as the table says it. */
  readonly adds: string;
  /** Makes it; `path` is the file of its store. */
  readonly open: (path: string) => Handler | Promise<Handler>;
}

const STORED = { accepted: 1, rejected: [], replayed: false };
const ANSWER = JSON.stringify({ accepted: 1, rejected: [] });
const answer = () => new Response(ANSWER, { headers: { "content-type": "application/json" } });

/** The rungs from the ground up, by name. */
export const RUNGS: ReadonlyMap<string, Rung> = new Map<string, Rung>([
  ["bare", { adds: "bare `Deno.serve`", open: () => answer }],
  ["body", {
    adds: "+ body",
    open: () => async (request) => {
      await request.bytes();
      return answer();
    },
  }],
  ["headers", {
    adds: "+ headers",
    open: () => async (request) => {
      const { headers } = request;
      for (const name of ["content-type", "content-encoding", "authorization"]) headers.get(name);
      await request.bytes();
      return answer();
    },
  }],
  ["edge", {
    adds: "+ edge: throttle, stripping, bounded body, counters",
    open: (path) => onEdge(path, () => storedLog(STORED)),
  }],
  ["credential", {
    adds: "+ credential",
    open: (path) =>
      onEdge(path, (_, { authorization }) => {
        parseCredential(authorization);
        return storedLog(STORED);
      }),
  }],
  ["mac", {
    adds: "+ MAC",
    open: (path) =>
      onEdge(path, async ({ service: { redeemer } }, { authorization, body }) => {
        const covered = { contentEncoding: "", bodyDigest: digestBody(body) } as const;
        await redeemer.verify({ app: APP, credential: parseCredential(authorization), body: covered }, now());
        return storedLog(STORED);
      }),
  }],
  ["schema", { adds: "+ schema validation and record", open: (path) => accepting(path, "schema") }],
  ["commit", { adds: "+ commit", open: (path) => accepting(path, "commit") }],
  ["answer", { adds: "+ answer, figures, risk", open: (path) => accepting(path, "answer") }],
]);

/** What of a request a rung goes on with. */
interface Arrived {
  readonly authorization: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What a rung does behind the edge. */
type Behind = (assembled: AssembledTest, arrived: Arrived) => LogAnswer | Promise<LogAnswer>;

/** The edge of the service, with its bounded reader, before something that is not the service. */
async function onEdge(path: string, behind: Behind): Promise<Handler> {
  const assembled = await assembleOn(path);
  return deidentify({
    handle: () => new Response(null, { status: 404 }),
    async sendLog({ fields: { authorization }, readBody }) {
      const body = await readBody({ maxBytes: MAX_BODY_BYTES });
      return await behind(assembled, { authorization: authorization ?? "", body });
    },
    admission: new Admission(systemRandom, { requestsPerSecond: 1_000_000 }),
    count: (answer) => assembled.service.counters.answered(answer),
    applications: new Set([APP]),
  });
}

/** The verb, less what comes on later rungs. */
function accepting(path: string, upTo: "schema" | "commit" | "answer"): Promise<Handler> {
  return onEdge(path, async ({ service }, { authorization, body }) => {
    const accepted = await acceptLog(lessThan(service, upTo), {
      app: service.appOf(APP),
      credential: parseCredential(authorization),
      contentEncoding: "",
      body,
      nowSeconds: now(),
    });
    return storedLog(upTo === "answer" ? accepted : STORED);
  });
}

function lessThan(service: AssembledTest["service"], upTo: "schema" | "commit" | "answer"): AcceptLogContext {
  if (upTo === "answer") return service;
  const { redeemer, risk } = service;
  return {
    redeemer: {
      verify: (redemption, nowSeconds) => redeemer.verify(redemption, nowSeconds),
      wasStored: () => Promise.resolve(false),
      store(use, recordOf) {
        // What `verify` above gave.
        if (upTo === "commit") return redeemer.store(use as LocalUse, recordOf);
        recordOf(undefined);
        return Promise.resolve("accepted");
      },
    },
    counters: { logged() {} },
    risk: { suppressionsOf: (app) => risk.suppressionsOf(app), observe() {} },
  };
}

/**
 * What bench:http compares: servers, and the kinds of requests that go to them.
 *
 * @module
 */
import { encodeBatchRequest } from "../../core/token/batch.ts";
import { truncatedKeyId } from "../../core/token/token.ts";
import { nobleRistretto255 as suite } from "../../core/voprf/noble.ts";
import { present } from "../../tests/support/base/present.ts";
import { freshPseudonym } from "../../tests/support/client/bound_nonce.ts";
import { prepareBatch, signIn } from "../../tests/support/client/load_client.ts";
import { otlpRequest } from "./collector.ts";
import { runLoad } from "./load.ts";
import { APP, type Mint, now } from "./mint.ts";
import { firstUses, laterUses, logBatches, tokensFor } from "./requests.ts";
import type { ServerProcess } from "./server_process.ts";
import { postRequest } from "./wire_connection.ts";

/** One kind of request to one server. */
export interface Contender {
  /** As the table says it. */
  readonly name: string;
  /** Where its requests go. */
  readonly server: Pick<ServerProcess, "port" | "pid">;
  /** What one request brings: logs, or tokens. */
  readonly each: number;
  /** What that is. */
  readonly of: "logs" | "tokens";
  /** Whether an answer of 200 says that all went well; it does by default. */
  readonly isWell?: (body: Uint8Array) => boolean;
  /** Fresh requests, each to be sent once. */
  readonly make: (count: number) => Uint8Array[] | Promise<Uint8Array[]>;
}

/** Tokens of one request. */
const BATCH = 30;
/** Blinded elements to choose from: a server cannot tell that another client has sent one before. */
const BLINDED = 1_500;

/** Where requests can go; undefined: that server is not there. */
export interface Servers {
  readonly service: Contender["server"];
  readonly plain?: Contender["server"] | undefined;
  readonly collector?: Contender["server"] | undefined;
}

/** Requests to the service with tokens of `mint`, and the same events to the servers beside it. */
export async function contendersOf({ service, plain, collector }: Servers, mint: Mint): Promise<Contender[]> {
  const logs = { each: 1, of: "logs" } as const;
  const made: (Contender | undefined)[] = [
    collector && {
      ...logs,
      name: "OpenTelemetry Collector",
      server: collector,
      make: (count) => Array.from({ length: count }, () => otlpRequest(freshPseudonym(), Date.now())),
    },
    plain && {
      ...logs,
      name: "without credentials",
      server: plain,
      make: (count) => laterUses(mint.tokens(tokensFor(count)), count),
    },
    {
      ...logs,
      name: "reused token",
      server: service,
      async make(count) {
        const tokens = mint.tokens(tokensFor(count));
        await runLoad({ ...service, requests: firstUses(tokens), connections: 8 });
        return laterUses(tokens, count);
      },
    },
    ...[8, 32].map((each): Contender => ({
      of: "logs",
      each,
      name: `reused token, ${each} a request`,
      server: service,
      // Each log has an answer of its own.
      isWell: (body) => !new TextDecoder().decode(body).includes('"code"'),
      async make(count) {
        const tokens = mint.tokens(count);
        await runLoad({ ...service, requests: firstUses(tokens), connections: 8 });
        return logBatches(tokens, each);
      },
    })),
    { ...logs, name: "first use", server: service, make: (count) => firstUses(mint.tokens(count)) },
    {
      each: BATCH,
      of: "tokens",
      name: `token in a batch of ${BATCH}`,
      server: service,
      make: await batchMaker(`http://127.0.0.1:${service.port}`),
    },
  ];
  return made.filter((contender) => contender !== undefined);
}

/** Makes requests for tokens, each of a client of its own. */
async function batchMaker(url: string): Promise<(count: number) => Promise<Uint8Array[]>> {
  const batches = await Promise.all(
    Array.from({ length: BLINDED / BATCH }, (_, index) => prepareBatch(url, `maker-${index}`, BATCH)),
  );
  const [{ keyId, headers }] = [present(batches[0])];
  const pool = batches.flatMap(({ blindedElements }) => blindedElements);
  return async function makeBatches(count) {
    const run = crypto.randomUUID();
    const made: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const blindedElements = Array.from(
        { length: BATCH },
        () => present(pool[Math.floor(Math.random() * pool.length)]),
      );
      const body = encodeBatchRequest(suite, { truncatedKeyId: truncatedKeyId(keyId), blindedElements });
      const authorization = `Bearer ${await signIn(`${run}-${index}`, now())}`;
      made.push(postRequest(`/v1/apps/${APP}/tokens`, { ...headers, authorization }, body));
    }
    return made;
  };
}

/**
 * Regions of one deployment, each a whole service on a socket and a store of its own, for tests of what goes on between
 * them.
 *
 * @module
 */
import { SignJWT } from "jose";
import { DitClient, type Fetch } from "../../../client/mod.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { Sealer } from "../../../core/keys/sealing.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import { createService, type Service } from "../../../core/service.ts";
import { CLAIMS, LOG_ROWS } from "../../../core/ledger/families.ts";
import { openStore } from "../../../core/store/deno_kv/open.ts";
import { nobleRistretto255 } from "../../../core/voprf/noble.ts";
import { Admission, type AdmissionOptions } from "../../../edge/admission.ts";
import { deidentify } from "../../../edge/deidentify.ts";
import { Regions } from "../../../edge/remote/region.ts";
import { createSessionAuthenticator } from "../../../edge/auth/session.ts";
import { createApp } from "../../../routes/app.ts";
import { testConfig } from "../client/client_service.ts";
import { freePort } from "../processes/free_ports.ts";
import { NEVER_SECONDS } from "../client/client_under_test.ts";
import type { Entry, Range } from "../../../core/store/port.ts";

/** The secret of the hop, unless a test gives a region another one. */
export const REGION_TOKEN = "the-secret-of-all-regions-in-tests-0123";
const SESSION_SECRET = "a secret of tests, 32 bytes or more";
const SESSION_ISSUER = "https://login.example";
/** The application of all regions. */
export const APP = "notes";

/** What a test may choose of a region. */
export interface RegionOptions {
  /** What it calls the secret of the hop. */
  readonly token?: string;
  /** How it throttles. */
  readonly admission?: AdmissionOptions;
  /** Milliseconds after which it gives another region up. */
  readonly forwardMs?: number;
  /** Changes of the application's settings. */
  readonly app?: Partial<ApplicationConfig>;
  /** Answers in the service's place, or lets the request pass. */
  readonly intercept?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

/** A region. */
export interface RegionService {
  readonly name: string;
  readonly url: string;
  readonly service: Service;
  /** What it asked of other regions, as method and URL. */
  readonly asked: string[];
  /** Requests as they came in from the network. */
  readonly received: Request[];
  /** Answers in the service's place from now on. */
  intercept: RegionOptions["intercept"];
  /** Every row of the store but those of keys and the risk monitor's secret. */
  readonly rows: () => Promise<Entry<unknown>[]>;
  /** Suppressions answering, and starts again where it was. */
  readonly stop: () => Promise<void>;
  readonly start: () => void;
}

/** All regions of a test. */
export class RegionDeployment {
  /** Unix seconds of all regions. */
  readonly clock = { seconds: Date.UTC(2027, 0, 15, 10, 20, 30) / 1000 };
  readonly regions: RegionService[] = [];
  readonly #ends: (() => Promise<void>)[] = [];

  /** Starts a region. It reaches those that `others` gives when it needs them: it may name later ones. */
  async start(
    name: string,
    others: () => Record<string, string>,
    options: RegionOptions = {},
  ): Promise<RegionService> {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    const deployment = checkConfig(
      { ...testConfig, applications: { [APP]: { ...testConfig.applications.notes, ...options.app } } },
      { development: true },
    );
    const store = await openStore(":memory:");
    const service = createService({
      deployment,
      store,
      sealer: await Sealer.of([random(32)], random),
      suites: () => nobleRistretto255,
      region: name,
      random,
      now: () => this.clock.seconds,
    });
    await runMaintenance(service);
    const asked: string[] = [];
    const token = options.token ?? REGION_TOKEN;
    const regions = new Regions({
      others: lazyMap(others),
      token,
      fetch: (input, init) => {
        asked.push(`${init?.method ?? "GET"} ${input}`);
        return fetch(input, init);
      },
      ...(options.forwardMs === undefined ? {} : { forwardMs: options.forwardMs }),
    });
    const sessions = new Map([[
      APP,
      await createSessionAuthenticator(deployment.applications.get(APP)!, {
        secret: () => SESSION_SECRET,
        fetch,
      }),
    ]]);
    const app = createApp({ service, sessions, regions });
    const handle = deidentify({
      handle: (request) => app.fetch(request),
      admission: new Admission(random, options.admission),
      hopToken: token,
    });
    const received: Request[] = [];
    const port = freePort();
    let server: Deno.HttpServer<Deno.NetAddr> | undefined;
    const listen = () => {
      server = Deno.serve(
        { hostname: "127.0.0.1", port, onListen: () => {} },
        async (request, { remoteAddr }) => {
          received.push(request);
          const response = await region.intercept?.(request) ?? await handle(request, remoteAddr.hostname);
          // Clients correct their clocks by it.
          response.headers.set("date", new Date(this.clock.seconds * 1000).toUTCString());
          return response;
        },
      );
    };
    const stop = async () => {
      const stopping = server;
      server = undefined;
      await stopping?.shutdown();
    };
    listen();
    const region: RegionService = {
      name,
      url: `http://127.0.0.1:${port}`,
      service,
      asked,
      received,
      intercept: options.intercept,
      rows: async () =>
        (await Array.fromAsync(service.store.list({ prefix: [] })))
          .filter(({ key }) => !["k", "a", "o", "m"].includes(key[0] as string)),
      stop,
      start: listen,
    };
    this.regions.push(region);
    this.#ends.push(async () => {
      await stop();
      await service.committer.drain();
      store.close();
    });
    return region;
  }

  /** Ends all regions. */
  async close(): Promise<void> {
    for (const end of this.#ends) await end();
  }

  /**
   * A real client that takes its tokens in one region and finds itself in another when it sends; `route` says where each
   * of its requests goes.
   */
  client(subject: string, route: (path: string) => RegionService): {
    readonly client: DitClient;
    /** Its final log requests. */
    readonly logs: { readonly path: string; readonly init: RequestInit }[];
    readonly refused: string[];
  } {
    const logs: { path: string; init: RequestInit }[] = [];
    const refused: string[] = [];
    const routedFetch: Fetch = (url, init) => {
      const path = new URL(url).pathname;
      if (path.endsWith("/logs")) logs.push({ path, init: { ...init, signal: null } });
      return fetch(route(path).url + path, init);
    };
    const client = new DitClient({
      endpoint: "https://telemetry.example",
      app: APP,
      session: () => this.#signIn(subject),
      fetch: routedFetch,
      now: () => this.clock.seconds * 1000,
      delaySeconds: NEVER_SECONDS,
    });
    client.on("refused", ({ step, code }) => refused.push(`${step} ${code}`));
    return { client, logs, refused };
  }

  #signIn(subject: string): Promise<string> {
    return new SignJWT({}).setProtectedHeader({ alg: "HS256" }).setIssuer(SESSION_ISSUER).setAudience(APP)
      .setSubject(subject).setIssuedAt(this.clock.seconds).setExpirationTime(this.clock.seconds + 3_600)
      .sign(new TextEncoder().encode(SESSION_SECRET));
  }
}

/** A map whose entries are looked up when they are needed. */
function lazyMap(entries: () => Record<string, string>): ReadonlyMap<string, string> {
  return new Proxy(new Map<string, string>(), {
    get: (_, name) => {
      const map = new Map(Object.entries(entries()));
      const member = Reflect.get(map, name);
      return typeof member === "function" ? member.bind(map) : member;
    },
  });
}

/** How many claims and log rows a region's store has. */
export async function countStored(region: RegionService): Promise<{ claims: number; logs: number }> {
  const count = async (range: Range) => (await Array.fromAsync(region.service.store.list(range))).length;
  return { claims: await count(CLAIMS.all()), logs: await count(LOG_ROWS.prefix(APP)) };
}

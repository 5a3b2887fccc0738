/**
 * Regions of one deployment, each a whole service on a socket and a store of its own, for tests of what goes on between
 * them.
 *
 * @module
 */
import { SignJWT } from "jose";
import { DitClient, type Fetch, type OneEndpoint, type TwoEndpoints } from "../../../client/mod.ts";
import { readHosts } from "../../../boot/hosts.ts";
import type { Settings } from "../../../boot/settings.ts";
import { checkConfig } from "../../../core/config/check/check.ts";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { runMaintenance } from "../../../core/jobs/maintenance.ts";
import type { Service } from "../../../core/service.ts";
import { CLAIMS, LOG_ROWS } from "../../../core/ledger/families.ts";
import { BUDGETS } from "../../../core/privacy/release/families.ts";
import type { Entry, Range } from "../../../core/store/port.ts";
import type { AdmissionOptions } from "../../../edge/admission/admission.ts";
import { testConfig } from "../client/client_service.ts";
import { NEVER_SECONDS } from "../client/client_under_test.ts";
import { freePort } from "../processes/free_ports.ts";
import { assembleTest, SESSION_SECRET } from "./assembled.ts";

/** The secret of the hop, unless a test gives a region another one. */
export const REGION_TOKEN = "the-secret-of-all-regions-in-tests-0123";
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
  /** The hosts that alone issue tokens and take logs; any host by default. */
  readonly hosts?: StepHosts;
  /** Answers in the service's place, or lets the request pass. */
  readonly intercept?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

/** A host for each step. */
export interface StepHosts {
  /** Issues tokens. */
  readonly tokens: string;
  /** Takes logs. */
  readonly logs: string;
}

/** A region. */
export interface RegionService {
  readonly name: string;
  readonly url: string;
  readonly service: Service;
  /** Asks it under a host's name, past the socket: the runtime's fetch lets nobody choose a Host field. */
  readonly fetchAs: (host: string, path: string, init?: RequestInit) => Promise<Response>;
  /** What it asked of other regions, as method and URL. */
  readonly asked: string[];
  /** Requests as they came in from the network. */
  readonly received: Request[];
  /** Answers in the service's place from now on. */
  intercept: RegionOptions["intercept"];
  /** Every row of the store but those that a service makes for itself. */
  readonly rows: () => Promise<Entry<unknown>[]>;
  /** Stops answering, and starts again where it was. */
  readonly stop: () => Promise<void>;
  readonly start: () => void;
}

/** Families of keys, the sealing key's proof, the risk monitor's secret, the store's format and jobs. */
const OF_THE_SERVICE = ["k", "kc", "kl", "a", "o", "m", "v", "sf", "nj", "ct"];

/** What a maintenance writes down of an application's budgets is of the service, too; what a day has paid is not. */
const isOfTheService = ([family, , what]: readonly unknown[]) =>
  OF_THE_SERVICE.includes(String(family)) ||
  (family === BUDGETS.all().prefix[0] && (what === "terms" || what === "first"));

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
    const asked: string[] = [];
    const { service, handle, close } = await assembleTest({
      deployment: checkConfig(
        { ...testConfig, applications: { [APP]: { ...testConfig.applications.notes, ...options.app } } },
        { development: true },
      ),
      now: () => this.clock.seconds,
      settings: {
        region: name,
        regions: lazyMap(others),
        regionToken: options.token ?? REGION_TOKEN,
        ...settingsOf(options.hosts),
      },
      fetch: (input, init) => {
        asked.push(`${init?.method ?? "GET"} ${input}`);
        return fetch(input, init);
      },
      tuning: { admission: options.admission, forwardMs: options.forwardMs },
    });
    await runMaintenance(service);
    const received: Request[] = [];
    const port = freePort();
    let server: Deno.HttpServer<Deno.NetAddr> | undefined;
    const answer = async (request: Request, address: string) => {
      received.push(request);
      const response = await region.intercept?.(request) ?? await handle(request, address);
      // Clients correct their clocks by it.
      response.headers.set("date", new Date(this.clock.seconds * 1000).toUTCString());
      return response;
    };
    const listen = () => {
      server = Deno.serve(
        { hostname: "127.0.0.1", port, onListen: () => {} },
        (request, { remoteAddr }) => answer(request, remoteAddr.hostname),
      );
    };
    const stop = async () => {
      const stopping = server;
      server = undefined;
      await stopping?.shutdown();
    };
    listen();
    const url = `http://127.0.0.1:${port}`;
    const region: RegionService = {
      name,
      url,
      fetchAs: (host, path, init) => answer(new Request(`http://${host}${path}`, init), "127.0.0.1"),
      service,
      asked,
      received,
      intercept: options.intercept,
      rows: async () =>
        (await Array.fromAsync(service.store.list({ prefix: [] })))
          .filter(({ key }) => !isOfTheService(key)),
      stop,
      start: listen,
    };
    this.regions.push(region);
    this.#ends.push(async () => {
      await stop();
      await close();
    });
    return region;
  }

  /** Ends all regions. */
  async close(): Promise<void> {
    for (const end of this.#ends) await end();
  }

  /**
   * A real client that takes its tokens in one region and finds itself in another when it sends; `route` says where each
   * of its requests goes. With `at` it asks under the names that it knows and that a directory leads it to.
   */
  client(
    subject: string,
    route: (path: string, host: string) => RegionService,
    at?: OneEndpoint | TwoEndpoints,
  ): {
    readonly client: DitClient;
    /** Its final log requests. */
    readonly logs: { readonly path: string; readonly init: RequestInit }[];
    readonly refused: string[];
  } {
    const logs: { path: string; init: RequestInit }[] = [];
    const refused: string[] = [];
    const routedFetch: Fetch = (url, init) => {
      const { pathname: path, hostname } = new URL(url);
      if (path.endsWith("/logs")) logs.push({ path, init: { ...init, signal: null } });
      const region = route(path, hostname);
      return at === undefined ? fetch(region.url + path, init) : region.fetchAs(hostname, path, init);
    };
    const client = new DitClient({
      ...at ?? { endpoint: "https://telemetry.example" },
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

function settingsOf(hosts: StepHosts | undefined): Partial<Settings> {
  if (hosts === undefined) return {};
  return readHosts(
    (name) => ({ DIT_ISSUE_HOST: hosts.tokens, DIT_LOG_HOST: hosts.logs })[name],
    false,
    [],
  );
}

/** A map whose entries are looked up when they are needed. It never is empty: a region alone would look nothing up. */
function lazyMap(entries: () => Record<string, string>): ReadonlyMap<string, string> {
  return new Proxy(new Map<string, string>(), {
    get: (_, name) => {
      if (name === "size") return 1;
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

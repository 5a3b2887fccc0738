// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * Many clients of the demo's scenarios, each a real one: it signs in, fetches a token that only it can use, and sends
 * its log under it, from an address of its own.
 *
 * @module
 */
import { type ClientOptions, DitClient } from "../../client/mod.ts";
import type { ClientSuite } from "../../core/voprf/noble_client.ts";
import { loadSuites } from "../../core/voprf/load.ts";
import { DEFAULT_SUITE } from "../../core/voprf/suites.ts";
import type { EventsOf } from "../../core/config/mod.ts";
import { tokenDigest } from "../../edge/auth/bearer.ts";
import type config from "../../dit.config.ts";
import { CommandError } from "../admin_api.ts";
import { showProgress } from "../progress.ts";
import { isReady, type ServiceProcess, startService } from "../cluster/service_process.ts";
import { askForSession, requireSignIn } from "./sign_in.ts";

/** The events of the demo's application. */
export type DemoEvents = EventsOf<typeof config, "demo">;
/** A client of the demo's application. */
export type DemoClient = DitClient<DemoEvents>;

/** What became of a population's events. */
export interface Sending {
  /** Events that were accepted. */
  accepted: number;
  /** Events that will never arrive, and refusals, by their code. */
  readonly failures: Map<string, number>;
}

const AT_ONCE = 16;

/** The service of a scenario. */
export type ScenarioService = Pick<ServiceProcess, "url" | "stop">;

/**
 * The service for a scenario, which the operator's commands reach from then on. Without a running one it is started, with
 * an empty store in memory; it believes the addresses that clients say they come from, as behind a proxy: one address may
 * not ask for so much. A running one in development lets one address ask for more, and stays.
 * @throws {CommandError} When no service is ready at `running`.
 */
export async function openScenario(running?: string): Promise<ScenarioService> {
  if (running !== undefined) {
    if (!await isReady(running)) {
      throw new CommandError(`No service is ready at ${running}: start deno task dev.`);
    }
    await requireSignIn(running);
    Deno.env.set("DIT_ADMIN_URL", running);
    console.log(`The scenario runs on ${running}: its console shows it.\n`);
    return { url: running, stop: () => Promise.resolve({ success: true, code: 0, signal: null }) };
  }
  const token = crypto.getRandomValues(new Uint8Array(32)).toHex();
  const service = await startService({
    env: {
      DIT_KV: ":memory:",
      DIT_TRUSTED_HOPS: "1",
      DIT_ADMIN_TOKEN_SHA256: tokenDigest(token).toHex(),
    },
  });
  Deno.env.set("DIT_ADMIN_URL", service.url);
  Deno.env.set("DIT_ADMIN_TOKEN", token);
  console.log("A service with an empty store is started.\n");
  return service;
}

/** Clients that share what a cache between them and the service would share: the public documents. */
export class Population {
  readonly #endpoint: string;
  readonly #suite: ClientSuite;
  readonly #documents = new Map<string, Promise<{ body: string; headers: Headers }>>();
  readonly #run = crypto.randomUUID().slice(0, 8);
  #fetchedAt = 0;

  private constructor(endpoint: string, suite: ClientSuite) {
    this.#endpoint = endpoint;
    this.#suite = suite;
  }

  /**
   * Clients of the service at `endpoint`. They compute on libsodium, which gives the same bytes as what an app would ship
   * in a fraction of the time: ten thousand of them share this one process.
   */
  static async of(endpoint: string): Promise<Population> {
    const suites = await loadSuites(console.warn, { names: [DEFAULT_SUITE] });
    return new Population(endpoint, suites(DEFAULT_SUITE));
  }

  /** Has `count` clients, from number `from` on, log what `log` says, and shows how far they are. */
  async send(
    from: number,
    count: number,
    log: (client: DemoClient, number: number) => void,
  ): Promise<Sending> {
    const sending: Sending = { accepted: 0, failures: new Map() };
    let next = from, done = 0;
    const work = async () => {
      while (next < from + count) {
        const number = next++;
        const client = this.#client(number, sending);
        log(client, number);
        await client.flush();
        await client.close();
        showProgress(++done, count, "clients");
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
    return sending;
  }

  #client(number: number, sending: Sending): DemoClient {
    const address = `10.${number >> 16 & 255}.${number >> 8 & 255}.${number & 255}`;
    const send: NonNullable<ClientOptions["fetch"]> = (url, init) => {
      const headers = new Headers(init.headers);
      headers.set("x-forwarded-for", address);
      return init.method === undefined || init.method === "GET"
        ? this.#document(url, headers)
        : fetch(url, { ...init, headers });
    };
    const client: DemoClient = new DitClient({
      endpoint: this.#endpoint,
      app: "demo",
      debug: false,
      suite: this.#suite,
      fetch: send,
      session: async () => {
        const name = `${this.#run}-${number}`;
        return (await (await askForSession(this.#endpoint, name, { "x-forwarded-for": address })).json()).jwt;
      },
    });
    const fail = (code: string, events: number) =>
      sending.failures.set(code, (sending.failures.get(code) ?? 0) + events);
    client.on("sent", ({ events }) => sending.accepted += events);
    client.on("dropped", ({ events, reason }) => fail(reason, events));
    client.on("refused", ({ step, code }) => fail(`${step}: ${code}`, 1));
    return client;
  }

  /** A public document, as new as a cache would have it that asks again every other second. */
  async #document(url: string, headers: Headers): Promise<Response> {
    const now = performance.now();
    if (now - this.#fetchedAt > 2_000) {
      this.#documents.clear();
      this.#fetchedAt = now;
    }
    let document = this.#documents.get(url);
    if (document === undefined) {
      document = fetch(url, { headers }).then(async (response) => ({
        body: await response.text(),
        headers: response.headers,
      }));
      this.#documents.set(url, document);
    }
    const known = await document;
    return new Response(known.body, { headers: known.headers });
  }
}

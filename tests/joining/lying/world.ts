/**
 * Weeks in which devices with real clients talk to a service that lies, on a clock of their own.
 *
 * @module
 */
import type { Fetch } from "../../../client/mod.ts";
import type { ApplicationConfig } from "../../../core/config/types.ts";
import { present } from "../../support/base/present.ts";
import { startService, type TestService } from "../../support/client/client_service.ts";
import { makeClient } from "../../support/client/client_under_test.ts";
import { seededRandom } from "../../core/voprf/suites.ts";
import { type Arrived, type Attacker, changed, type Seen, type Step, type Visit } from "./attacker.ts";

export const HOUR = 3_600_000;
export const WEEK = 168 * HOUR;
const ENDPOINT = "https://telemetry.example";
const WORDS = { description: "d", purpose: "p", owner: "o", expires: "2099-12-31" } as const;
const FLAG = { type: "boolean", optional: true } as const;

/** What is collected: an event that a number makes unique, and flags that can be suppressed. */
export const EVENTS: ApplicationConfig["events"] = {
  counted: {
    ...WORDS,
    identifying: "Whether an event is the same one is what the attacker asks.",
    fields: {
      number: { type: "integer", min: 0, max: 65_535 },
      latency_ms: { type: "bucket", edges: [10, 100, 1000], optional: true },
      first: FLAG,
      second: FLAG,
      third: FLAG,
    },
  },
};

/** How clients were built. */
export type Mode = "no mirror" | "pin" | "declared" | "mirror";

/** What the devices do. */
export interface Life {
  readonly devices: number;
  /** Hours before the first turn of the pseudonym at which it begins. */
  readonly before: number;
  /** Hours that it lasts. */
  readonly hours: number;
  /** How often an hour a device that is on sends; once by default. */
  readonly passes?: number;
  /** How many events a device logs in an hour of this number, counted from the beginning; undefined: it is off. */
  readonly logs: (device: number, hour: number) => number | undefined;
  /** Whether its user resets the pseudonym at the end of an hour. */
  readonly resets?: (device: number, hour: number) => boolean;
  /** What is different about the application. */
  readonly app?: Partial<ApplicationConfig>;
  /** How many services the attacker runs; one by default. */
  readonly services?: number;
}

/** What is true of the devices: what each had, in the order in which it had it. */
export interface Truth {
  readonly pseudonyms: readonly (readonly string[])[];
  readonly nonces: readonly (readonly string[])[];
  /** The hour in which the event of a number was logged. */
  readonly logged: ReadonlyMap<number, number>;
}

/** What came of it. */
export interface Lived {
  readonly seen: Seen;
  readonly truth: Truth;
}

/** The account of a device. */
export function accountOf(device: number): string {
  return `account ${device}`;
}

/** Has the devices live, and the attacker answer them. */
export async function live(life: Life, mode: Mode, attacker: Attacker): Promise<Lived> {
  const random = seededRandom(`${mode} ${life.devices} ${life.hours}`);
  const draw = () => random(4).toHex();
  const services = await Promise.all(
    Array.from(
      { length: life.services ?? 1 },
      () => startService({ events: EVENTS, tokensPerClient: 64, ...life.app }),
    ),
  );
  const [first] = services as [TestService];
  // All devices' clock; those of the services follow it.
  const clock = { now: Math.ceil(first.clock.now / WEEK) * WEEK - life.before * HOUR };
  const turn = clock.now + life.before * HOUR;
  const visits: Visit[] = [];
  const logs: Arrived[] = [];
  const logged = new Map<number, number>();
  const truth = Array.from(
    { length: life.devices },
    () => ({ pseudonyms: new Set<string>(), nonces: new Set<string>() }),
  );

  const documents = new Map<string, Response>();
  const ask = async (service: number, url: string, init: RequestInit, ahead = 0) => {
    const { clock: its, fetch } = present(services[service]);
    its.now = clock.now + ahead * 1000;
    const name = `${service} ${url} ${Math.floor(clock.now / HOUR)}`;
    let response = documents.get(name)?.clone() ?? await fetch(url, init);
    response = new Response(response.body, response);
    response.headers.set("date", new Date(clock.now).toUTCString());
    // A public document is the same for an hour: asked for by a crowd from nowhere, it would be refused.
    if (init.method !== "POST" && response.status === 200) documents.set(name, response.clone());
    return response;
  };
  const honestly = async (path: string) => {
    const response = await ask(0, `${ENDPOINT}/v1/apps/notes/${path}`, {});
    const { publish } = attacker;
    return path === "keys" && publish !== undefined ? await changed(response, publish) : response;
  };
  const options = {
    "no mirror": {},
    pin: mode === "pin" && { keyPin: newest(await (await honestly("keys")).json()) },
    declared: mode === "declared" && { declared: await (await honestly("schema")).json() },
    mirror: { mirror: "https://mirror.example/keys" },
  }[mode];

  const made = truth.map((own, device) => {
    const account = accountOf(device);
    const connections = new Map<string, string>();
    const fetch: Fetch = async (url, init) => {
      const path = url.slice(url.lastIndexOf("/") + 1);
      if (url.startsWith("https://mirror.example/")) return await honestly(path);
      const step = path as Step;
      const hour = Math.floor(clock.now / HOUR);
      // Each request has a connection of its own; those of a pass follow each other within moments, which joins them as well.
      const side = step === "schema" || step === "logs" ? "logging" : "issuing";
      const connection = connections.getOrInsertComputed(`${side} ${clock.now}`, draw);
      const log = step === "logs" ? readLog(init, hour, connection) : undefined;
      if (log === undefined) {
        visits.push({ step, connection, hour, account: step === "tokens" ? account : undefined });
      } else {
        logs.push(log);
        own.nonces.add(log.nonce);
        if (log.pseudonym !== "") own.pseudonyms.add(log.pseudonym);
      }
      const beforeTurn = (turn - clock.now) / 1000;
      return await attacker.answer({
        ...{ step, connection, hour, beforeTurn, log },
        account: step === "tokens" ? account : undefined,
        honest: (service = 0, ahead = 0) => ask(service, url, init, ahead),
      });
    };
    const session = () => {
      first.clock.now = clock.now;
      return first.signIn(account);
    };
    return makeClient(first, {
      ...{ fetch, session, gzip: false, now: () => clock.now, random: seededRandom(account) },
      ...options,
    });
  });
  const passes = life.passes ?? 1;
  try {
    for (let hour = 0; hour < life.hours; hour++) {
      for (let pass = 0; pass < passes; pass++) {
        const begin = turn + (hour - life.before) * HOUR + (pass + 0.5) * HOUR / passes;
        for (const [device, { client }] of made.entries()) {
          const events = life.logs(device, hour);
          if (events === undefined) continue;
          // So that nobody is throttled.
          clock.now = begin + 10_000 * device;
          for (let event = 0; event < events && pass === 0; event++) {
            // Each its own, and nothing about its device.
            const number = logged.size * 40_503 % 65_536;
            logged.set(number, Math.floor(clock.now / HOUR));
            client.log(
              "counted" as never,
              { number, latency_ms: 50, first: true, second: false, third: true } as never,
            );
          }
          await client.flush();
          if (pass === passes - 1 && life.resets?.(device, hour)) await client.resetPseudonym();
        }
      }
    }
    for (const { client } of made) await client.close();
  } finally {
    for (const { close } of services) await close();
  }
  // In no order that would tell: times within the hour are not seen.
  const shuffled = <T extends { hour: number }>(list: T[]) =>
    list.map((one) => ({ one, place: draw() })).sort((a, b) =>
      a.one.hour - b.one.hour || (a.place < b.place ? -1 : 1)
    ).map(({ one }) => one);
  return {
    seen: { logs: shuffled(logs), visits: shuffled(visits) },
    truth: {
      pseudonyms: truth.map(({ pseudonyms }) => [...pseudonyms]),
      nonces: truth.map(({ nonces }) => [...nonces]),
      logged,
    },
  };
}

function readLog(init: RequestInit, hour: number, connection: string): Arrived {
  const { events, pseudonym = "" } = JSON.parse(new TextDecoder().decode(init.body as Uint8Array));
  const credential = new Headers(init.headers).get("authorization") ?? "";
  const [, keyId = "", nonce = "", use = ""] = /key=([^,]+), nonce=([^,]+), use=(\d+)/.exec(credential) ?? [];
  return { hour, connection, keyId, nonce, use: Number(use), pseudonym, events };
}

// deno-lint-ignore no-explicit-any -- a directory as it is published.
function newest({ "token-keys": keys }: any): string {
  // deno-lint-ignore no-explicit-any -- as above.
  return keys.toSorted((a: any, b: any) => a["chain-number"] - b["chain-number"]).at(-1).chain;
}

/**
 * A service that lies to mark its clients, and reads the marks in what they send: by what it says to each account where
 * tokens are issued, and by what it says under each pseudonym where logs go.
 *
 * @module
 */
import type { Fetch } from "../../client/mod.ts";
import { present } from "../support/base/present.ts";
import { startService, type TestService } from "../support/client/client_service.ts";
import { makeClient } from "../support/client/client_under_test.ts";
import type { Target } from "./guessing.ts";

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;

/** How many clients are marked: there is a mark for each. */
export const MARKED = 24;
const WORDS = { description: "d", purpose: "p", owner: "o", expires: "2099-12-31" } as const;
const FLAG = { type: "boolean", optional: true } as const;
const EVENTS = { counted: { ...WORDS, fields: { first: FLAG, second: FLAG, third: FLAG } } };
const MIRROR = "https://mirror.example/keys";

/** A log as it arrived. */
export interface MarkedLog {
  readonly use: number;
  readonly nonce: string;
  readonly events: readonly { readonly at?: string; readonly fields: Readonly<Record<string, unknown>> }[];
}

/** A document, to be changed in place. */
// deno-lint-ignore no-explicit-any -- whatever a lie makes of it.
type Document = Record<string, any>;

/** A way to mark a client, and to read its mark. */
export interface Mark {
  /** The document that is told to the client of this number, and how far its `Date` is off in milliseconds. */
  readonly tell: (document: Document, client: number) => number | void;
  /** The number of the client that is meant by these logs. */
  readonly read: (logs: readonly MarkedLog[]) => number;
}

/** Marks in the directory, by the account that asks for tokens on its connection. */
export const DIRECTORY_MARKS: Readonly<Record<string, Mark>> = {
  "how many uses a token has": {
    tell(document, client) {
      document["uses-per-token"] = 1 + client;
    },
    read: (logs) => Math.max(...logs.map(({ use }) => use)),
  },
  "a Date of its own": {
    tell: (_, client) => (client - MARKED / 2) * 290_000,
    // Those that are half an hour off go without a time, if the directory decides about that.
    read: (logs) => logs.some(({ events }) => events.some(({ at }) => at === undefined)) ? 0 : MARKED / 2,
  },
};

const GRANULARITIES = [3_600, 21_600, 86_400] as const;
const FIELDS = ["first", "second", "third"] as const;

/** Marks in the schema, under the pseudonym before the turn. */
export const SCHEMA_MARKS: Readonly<Record<string, Mark>> = {
  "granularity and suppressed fields": {
    tell(document, client) {
      document["granularity-seconds"] = GRANULARITIES[client >> 3];
      for (const [bit, name] of FIELDS.entries()) {
        if ((client >> bit & 1) === 1) document.events[0].fields[name].suppressed = true;
      }
    },
    read(logs) {
      const [event] = present(logs[0]).events;
      const hour = new Date(event?.at ?? 0).getUTCHours();
      const granularity = hour === 0 ? 2 : hour % 6 === 0 ? 1 : 0;
      const bits = FIELDS.reduce((sum, name, bit) => name in (event?.fields ?? {}) ? sum : sum | 1 << bit, 0);
      return granularity << 3 | bits;
    },
  },
  "a Date of its own": {
    tell: (_, client) => (client - MARKED / 2) * 290_000,
    read: (logs) => logs.some(({ events }) => events.some(({ at }) => at === undefined)) ? 0 : MARKED / 2,
  },
};

/** How a trial is made. */
export interface LyingTrial {
  readonly mark: Mark;
  readonly document: "keys" | "schema";
  /** Whether clients are given a mirror, which is honest. */
  readonly mirror: boolean;
  /** Whether the mark is read under the pseudonym after the one under which it was told. */
  readonly isNext: boolean;
}

/** How many clients were told by their marks, of those that logged. */
export interface Told {
  readonly targets: readonly Target[];
  readonly right: number;
}

/**
 * Lets {@linkcode MARKED} clients log before the turn of the pseudonym, where they are marked, and has one more event of
 * each wait over it.
 */
export async function tryMark(trial: LyingTrial): Promise<Told> {
  const test = await startService({ events: EVENTS, tokensPerClient: 8 });
  test.clock.now = Math.ceil(test.clock.now / WEEK) * WEEK - 2 * HOUR - HOUR / 4;
  const clients = Array.from(
    { length: MARKED },
    (_, client) => oneOf(test, trial, client),
  );
  try {
    for (const { log, client } of clients) {
      for (let flush = 0; flush < 6; flush++) {
        log();
        await client.flush();
      }
      log();
      // It is stored.
      await client.inspect();
    }
    const before = clients.map(({ take }) => take());
    test.clock.now += 3 * HOUR;
    for (const one of clients) {
      one.endLie();
      await one.client.flush();
      test.clock.now += 5_000;
    }
    const after = clients.map(({ take }) => take());
    const read = trial.isNext ? after : before;
    const seen = [...read.entries()].filter(([, logs]) => logs.length > 0);
    return {
      targets: seen.map(([client]) => ({ client, crowd: seen.length })),
      right: seen.filter(([client, logs]) => trial.mark.read(logs) === client).length,
    };
  } finally {
    for (const { client } of clients) await client.close();
    await test.close();
  }
}

/** A client that is lied to, and what it logged since that was last taken. */
function oneOf(test: TestService, { mark, document, mirror }: LyingTrial, number: number) {
  let logs: MarkedLog[] = [];
  let isLying = true;
  const honest = (url: string) =>
    `https://telemetry.example/v1/apps/notes/${url.slice(url.lastIndexOf("/") + 1)}`;
  const fetch: Fetch = async (url, init) => {
    if (url.startsWith("https://mirror.example/")) return await test.fetch(honest(url), init);
    if (url.endsWith("/logs")) {
      const { events } = JSON.parse(new TextDecoder().decode(init.body as Uint8Array));
      const credential = new Headers(init.headers).get("authorization") ?? "";
      const [, nonce = "", use = ""] = /nonce=([^,]+), use=(\d+)/.exec(credential) ?? [];
      logs.push({ events, nonce, use: Number(use) });
    }
    const response = await test.fetch(url, init);
    if (!isLying || !url.endsWith(`/${document}`)) return response;
    const told = await response.json();
    const offset = mark.tell(told, number) ?? 0;
    const { headers } = response;
    // A validator of its own would be refused; none is not.
    headers.delete("etag");
    headers.set("date", new Date(test.clock.now + offset).toUTCString());
    return new Response(JSON.stringify(told), { headers });
  };
  const { client } = makeClient(test, {
    ...{ fetch, gzip: false, session: () => test.signIn(`client ${number}`) },
    ...mirror && { mirror: MIRROR },
  });
  return {
    client,
    log: () => client.log("counted" as never, { first: true, second: false, third: true } as never),
    take() {
      const taken = logs;
      logs = [];
      return taken;
    },
    endLie: () => void (isLying = false),
  };
}

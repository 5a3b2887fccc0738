import { assert, assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import { acceptLog, type AcceptLogContext, type SentLog } from "../../../core/acs/accept_log.ts";
import { Refusal } from "../../../core/base/errors.ts";
import { exportDay } from "../../../core/operations/export.ts";
import { dayOf } from "../../../core/base/time.ts";
import { concat } from "../../../core/base/bytes.ts";
import type { Server } from "../../../core/service.ts";
import { digestBody } from "../../../core/token/body_digest.ts";
import { computeMac, type ContentEncoding, encodeTranscript } from "../../../core/token/mac.ts";
import { logBody } from "../../support/client/protocol_client.ts";
import { NOW, platformRandom } from "../../support/service/keys.ts";
import {
  countClaims,
  type HeldToken,
  makeToken,
  type Split,
  startSplit,
} from "../../support/service/split.ts";
import { testApplication } from "../../support/service/service.ts";

const OPENED = { name: "app_opened", fields: {} };
const UNKNOWN = { name: "never_declared", fields: {} };
const STOPPED = { name: "note_stopped", fields: {} };

/** An ACS and a log server whose applications collect what those of other tests collect. */
function startBoth(): Promise<Split> {
  return startSplit({ events: testApplication.events });
}

/** The server that takes logs: one that has the keys itself, or one whose ACS is elsewhere. */
const SERVERS: Record<string, (split: Split) => Server> = {
  "a server with keys": ({ acs }) => acs,
  "a log server": ({ logs }) => logs,
};

function signLog(
  token: HeldToken,
  body: Uint8Array<ArrayBuffer>,
  { use = 0, contentEncoding = "" }: { use?: number; contentEncoding?: ContentEncoding } = {},
): Omit<SentLog, "app"> {
  const { app, keyId, nonce } = token;
  const covered = { app, contentEncoding, keyId, nonce, use, bodyDigest: digestBody(body) };
  const mac = computeMac(token.macKey, encodeTranscript(covered));
  return { credential: { keyId, nonce, use, mac }, contentEncoding, body, nowSeconds: NOW };
}

function forge(log: Omit<SentLog, "app">): Omit<SentLog, "app"> {
  return { ...log, credential: { ...log.credential, mac: platformRandom(32) } };
}

async function assertRefused(work: Promise<unknown>, code: string): Promise<Refusal> {
  const refusal = await assertRejects(() => work, Refusal);
  assertEquals(refusal.code, code);
  return refusal;
}

async function storedEvents(server: Server): Promise<string[][]> {
  const chunks = await Array.fromAsync(exportDay(server, { app: "notes", day: dayOf(NOW) }));
  const lines = new TextDecoder().decode(concat(...chunks)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line).events.map(({ name }: { name: string }) => name));
}

const counted = (server: Server) => Object.fromEntries(server.counters.totals().get("notes") ?? []);

for (const [where, serverOf] of Object.entries(SERVERS)) {
  Deno.test(`acceptLog() on ${where} stores what is valid, says what is not, and counts both once`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const app = server.appOf("notes");
    const body = logBody({ events: [OPENED, UNKNOWN, OPENED] });
    const log = { app, ...signLog(await makeToken(split.acs), body) };
    const rejected = [{ index: 1, code: "event_unknown", path: "name" }] as const;
    assertEquals(await acceptLog(server, log), { accepted: 2, rejected: [...rejected], replayed: false });
    const once = counted(server);
    assertEquals(await acceptLog(server, log), { accepted: 2, rejected: [...rejected], replayed: true });
    assertEquals(counted(server), once);
    assertEquals(await storedEvents(server), [["app_opened", "app_opened"]]);
    assertEquals(await countClaims(split.acs), 1);
  });

  Deno.test(`acceptLog() on ${where} measures what was stored and not what was replayed`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const observed: unknown[] = [];
    const context: AcceptLogContext = {
      redeemer: server.redeemer,
      counters: server.counters,
      risk: {
        suppressionsOf: server.suppressionsOf,
        observe: (app, pseudonym, events, nowSeconds) =>
          observed.push([app, pseudonym, events.map(({ name }) => name), nowSeconds]),
      },
    };
    const pseudonym = "AAAAAAAAAAAAAAAAAAAAAA";
    const body = logBody({ pseudonym, events: [OPENED, UNKNOWN] });
    const log = { app: server.appOf("notes"), ...signLog(await makeToken(split.acs), body) };
    for (const replayed of [false, true]) {
      assertEquals((await acceptLog(context, log)).replayed, replayed);
    }
    assertEquals(observed, [["notes", pseudonym, ["app_opened"], NOW]]);
  });

  Deno.test(`acceptLog() on ${where} reads a packed body, whose packed bytes are what was signed`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const body = Uint8Array.from(gzipSync(logBody({ events: [OPENED] })));
    const log = signLog(await makeToken(split.acs), body, { contentEncoding: "gzip" });
    const app = server.appOf("notes");
    assertEquals((await acceptLog(server, { app, ...log })).accepted, 1);
    await assertRefused(
      acceptLog(server, { app, ...log, body: Uint8Array.from([...body, 0]) }),
      where === "a server with keys" ? "mac_invalid" : "body_malformed",
    );
  });

  Deno.test(`acceptLog() on ${where} refuses a log of which nothing can be stored, and spends nothing`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const app = server.appOf("notes");
    const token = await makeToken(split.acs);
    const before = counted(server);
    const refuse = async (events: unknown[], code: string) => {
      const { details } = await assertRefused(
        acceptLog(server, { app, ...signLog(token, logBody({ events })) }),
        code,
      );
      return details.members;
    };
    assertEquals(await refuse([UNKNOWN, STOPPED], "events_invalid"), {
      rejected: [
        { index: 0, code: "event_unknown", path: "name" },
        { index: 1, code: "collection_stopped", path: "name" },
      ],
    });
    assertEquals(await refuse([STOPPED], "collection_stopped"), {
      rejected: [{ index: 0, code: "collection_stopped", path: "name" }],
    });
    assertEquals(await refuse([], "body_malformed"), undefined);
    assertEquals([await countClaims(split.acs), await storedEvents(server), counted(server)], [
      0,
      [],
      before,
    ]);
    assertEquals((await acceptLog(server, { app, ...signLog(token, logBody()) })).replayed, false);
  });
}

Deno.test("acceptLog() reads no body before the MAC has verified, where the keys are here", async () => {
  await using split = await startBoth();
  const app = split.acs.appOf("notes");
  const log = signLog(await makeToken(split.acs), new Uint8Array([1, 2, 3]));
  await assertRefused(acceptLog(split.acs, { app, ...forge(log) }), "mac_invalid");
  await assertRefused(acceptLog(split.acs, { app, ...log }), "body_malformed");
});

Deno.test("acceptLog() on a log server asks the ACS about nothing that it could not store", async () => {
  await using split = await startBoth();
  const app = split.logs.appOf("notes");
  const token = await makeToken(split.acs);
  const asked: string[] = [];
  split.network = (request, reach) => {
    asked.push(new URL(request.url).pathname);
    return reach(request);
  };
  for (const body of [new Uint8Array([1, 2, 3]), logBody({ events: [UNKNOWN] })]) {
    const { code } = await assertRejects(
      () => acceptLog(split.logs, { app, ...forge(signLog(token, body)) }),
      Refusal,
    );
    assert(code === "body_malformed" || code === "events_invalid", code);
  }
  assertEquals(asked, []);
  await assertRefused(acceptLog(split.logs, { app, ...forge(signLog(token, logBody())) }), "mac_invalid");
  assertEquals(asked, ["/acs/v1/apps/notes/redeem"]);
});

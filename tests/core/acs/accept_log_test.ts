import { assert, assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import {
  type AcceptedLog,
  acceptLog,
  type AcceptLogContext,
  type SentLog,
} from "../../../core/acs/accept_log.ts";
import { Refusal } from "../../../core/base/errors.ts";
import type { Application } from "../../../core/config/types.ts";
import type { EventSchema } from "../../../core/schema/event.ts";
import { pseudonymPeriod } from "../../../core/schema/pseudonym.ts";
import { encodeRecord, type LogRecord } from "../../../core/schema/record.ts";
import { exportDay } from "../../../core/operations/export.ts";
import { dayOf } from "../../../core/base/time.ts";
import { concat } from "../../../core/base/bytes.ts";
import type { Server } from "../../../core/service.ts";
import { digestBody } from "../../../core/token/body_digest.ts";
import { computeMac, type ContentEncoding, encodeTranscript } from "../../../core/token/mac.ts";
import { logBody } from "../../support/client/protocol_client.ts";
import { dyingKv, EPOCH, NOW, platformRandom } from "../../support/service/keys.ts";
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

/** A log under the first use of a token of its own. */
async function firstLog(split: Split, members: Record<string, unknown>): Promise<Omit<SentLog, "app">> {
  const token = await makeToken(split.acs);
  return signLog(token, logBody(token, members));
}

function forge(log: Omit<SentLog, "app">): Omit<SentLog, "app"> {
  return { ...log, credential: { ...log.credential, mac: platformRandom(32) } };
}

async function assertRefused(work: Promise<unknown>, code: string): Promise<Refusal> {
  const refusal = await assertRejects(() => work, Refusal);
  assertEquals(refusal.code, code);
  return refusal;
}

async function storedRecords(server: Server, day = dayOf(NOW)): Promise<LogRecord[]> {
  const chunks = await Array.fromAsync(exportDay(server, { app: "notes", day }));
  const lines = new TextDecoder().decode(concat(...chunks)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}

async function storedEvents(server: Server): Promise<string[][]> {
  return (await storedRecords(server)).map(({ events }) => events.map(({ name }) => name));
}

const counted = (server: Server) => Object.fromEntries(server.counters.totals().get("notes") ?? []);

/** What may change between a log's first send and its next one, so that it would be refused now; and by which code. */
const CHANGES: Record<string, { code: string; change: (app: Application) => Application }> = {
  "the event is stopped": {
    code: "collection_stopped",
    change: withEvent({ ...testApplication.events.app_opened, state: "stopped" }),
  },
  "the event expires": {
    code: "collection_stopped",
    change: withEvent({ ...testApplication.events.app_opened, expires: "2001-01-01" }),
  },
  "the event leaves the schema": { code: "events_invalid", change: (app) => ({ ...app, events: {} }) },
  "the event gets a field that has to be there": {
    code: "events_invalid",
    change: withEvent({ ...testApplication.events.app_opened, fields: { ok: { type: "boolean" } } }),
  },
  "a pseudonym is collected no more": {
    code: "body_malformed",
    change: (app) => ({ ...app, pseudonymSeconds: undefined }),
  },
};

function withEvent(event: EventSchema): (app: Application) => Application {
  return (app) => ({ ...app, events: { ...app.events, app_opened: event } });
}

for (const [where, serverOf] of Object.entries(SERVERS)) {
  Deno.test(`acceptLog() on ${where} stores what is valid, says what is not, and counts both once`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const app = server.appOf("notes");
    const log = { app, ...await firstLog(split, { events: [OPENED, UNKNOWN, OPENED] }) };
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
    const token = await makeToken(split.acs);
    const { pseudonym } = token;
    const log = {
      app: server.appOf("notes"),
      ...signLog(token, logBody(token, { events: [OPENED, UNKNOWN] })),
    };
    for (const replayed of [false, true]) {
      assertEquals((await acceptLog(context, log)).replayed, replayed);
    }
    assertEquals(observed, [["notes", pseudonym, ["app_opened"], NOW]]);
  });

  Deno.test(`acceptLog() on ${where} reads a packed body, whose packed bytes are what was signed`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const token = await makeToken(split.acs);
    const body = Uint8Array.from(gzipSync(logBody(token, { events: [OPENED] })));
    const log = signLog(token, body, { contentEncoding: "gzip" });
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
        acceptLog(server, { app, ...signLog(token, logBody(token, { events })) }),
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
    assertEquals((await acceptLog(server, { app, ...signLog(token, logBody(token)) })).replayed, false);
  });
}

for (const [where, serverOf] of Object.entries(SERVERS)) {
  for (const [what, { code, change }] of Object.entries(CHANGES)) {
    Deno.test(`acceptLog() on ${where} answers a replay as a success although ${what}, and nothing else`, async () => {
      await using split = await startBoth();
      const server = serverOf(split);
      const app = server.appOf("notes");
      const changed = change(app);
      const token = await makeToken(split.acs);
      const sign = (use: number) => signLog(token, logBody(token, { events: [OPENED, OPENED] }), { use });
      const log = sign(0);
      assertEquals((await acceptLog(server, { app, ...log })).replayed, false);
      const once = [counted(server), await storedEvents(server), await countClaims(split.acs)];
      for (let send = 0; send < 2; send++) {
        const answer = await acceptLog(server, { app: changed, ...log });
        assertEquals(answer, { accepted: 2, rejected: [], replayed: true });
      }
      // The use of another log's, and one that is free: who sends something new hears of the change.
      for (const other of [sign(0), sign(1)]) {
        await assertRefused(acceptLog(server, { app: changed, ...other }), code);
      }
      // To one who has no valid MAC it says nothing: where the keys are elsewhere, what the body alone says.
      const forged = acceptLog(server, { app: changed, ...forge(log) });
      await assertRefused(forged, where === "a server with keys" ? "mac_invalid" : code);
      assertEquals([counted(server), await storedEvents(server), await countClaims(split.acs)], once);
    });
  }

  Deno.test(`acceptLog() on ${where} looks for a replay only where something would refuse`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const app = server.appOf("notes");
    let looked = 0;
    const redeemer: AcceptLogContext["redeemer"] = {
      verify: (...use) => server.redeemer.verify(...use),
      store: (...use) => server.redeemer.store(...use),
      wasStored(use) {
        looked++;
        return server.redeemer.wasStored(use);
      },
    };
    const token = await makeToken(split.acs);
    const send = (use: number, events: unknown[]) =>
      acceptLog({ ...server, redeemer }, { app, ...signLog(token, logBody(token, { events }), { use }) });
    await send(0, [OPENED]);
    await send(1, [OPENED, UNKNOWN]);
    await assertRefused(send(1, [OPENED]), "use_taken");
    assertEquals(looked, 0);
    await assertRefused(send(2, [UNKNOWN]), "events_invalid");
    assertEquals(looked, 1);
  });
}

Deno.test("acceptLog() on a server with keys answers a replay whose first send is still under way when its event is stopped", async () => {
  await using split = await startBoth();
  const server: Server = split.acs;
  const app = server.appOf("notes");
  const stopped = withEvent({ ...testApplication.events.app_opened, state: "stopped" })(app);
  const log = await firstLog(split, { events: [OPENED] });
  let replay: Promise<AcceptedLog> | undefined;
  const store = server.redeemer.store.bind(server.redeemer);
  const redeemer: AcceptLogContext["redeemer"] = {
    verify: (...use) => server.redeemer.verify(...use),
    wasStored: (use) => server.redeemer.wasStored(use),
    store(use, record) {
      const stored = store(use, record);
      replay = acceptLog(server, { app: stopped, ...log });
      return stored;
    },
  };
  assertEquals((await acceptLog({ ...server, redeemer }, { app, ...log })).replayed, false);
  assertEquals(await replay, { accepted: 1, rejected: [], replayed: true });
});

Deno.test("acceptLog() on a log server that was started again finds a replay in the store and at the ACS", async () => {
  await using split = await startBoth();
  const app = split.logs.appOf("notes");
  const stopped = withEvent({ ...testApplication.events.app_opened, state: "stopped" })(app);
  const log = await firstLog(split, { events: [OPENED] });
  await acceptLog(split.logs, { app, ...log });
  const again = split.openLogServer();
  assertEquals((await acceptLog(again, { app: stopped, ...log })).replayed, true);
  // Spent at the ACS and stored nowhere: the first send had no success that it could be answered with.
  const lost = await firstLog(split, { events: [OPENED] });
  using crashing = await Deno.openKv(":memory:");
  await assertRefused(
    acceptLog(split.openLogServer(dyingKv(crashing, 1, false)), { app, ...lost }),
    "store_unavailable",
  );
  await assertRefused(acceptLog(again, { app: stopped, ...lost }), "collection_stopped");
  // An ACS that does not answer leaves it unknown; one that does not know the question refuses nothing more than before.
  split.network = () => Promise.reject(new TypeError("away"));
  await assertRefused(acceptLog(again, { app: stopped, ...log }), "store_unavailable");
  split.network = (request, reach) =>
    request.url.endsWith("/redeemed")
      ? Promise.resolve(Response.json({ code: "route_unknown", detail: "x" }, { status: 404 }))
      : reach(request);
  await assertRefused(acceptLog(again, { app: stopped, ...log }), "collection_stopped");
});

Deno.test("acceptLog() reads no body before the MAC has verified, where the keys are here", async () => {
  await using split = await startBoth();
  const app = split.acs.appOf("notes");
  const log = signLog(await makeToken(split.acs), new Uint8Array([1, 2, 3]));
  await assertRefused(acceptLog(split.acs, { app, ...forge(log) }), "mac_invalid");
  await assertRefused(acceptLog(split.acs, { app, ...log }), "body_malformed");
});

for (const [name, pick] of Object.entries(SERVERS)) {
  Deno.test(`acceptLog() on ${name} marks a log whose pseudonym is of another period than its day`, async () => {
    for (const rotationDays of [1, 7]) {
      const events = testApplication.events;
      await using split = await startSplit({ events, pseudonymSeconds: rotationDays * 86_400 });
      const server = pick(split);
      const app = server.appOf("notes");
      const token = await makeToken(split.acs);
      const begins = EPOCH * 86_400;
      const turn = begins + 86_400;
      for (const [use, nowSeconds] of [NOW, turn - 1, turn].entries()) {
        split.clock.seconds = nowSeconds;
        await acceptLog(server, { app, ...signLog(token, logBody(token), { use }), nowSeconds });
      }
      const days = [EPOCH, EPOCH + 1].map((day) => storedRecords(server, day));
      const marks = (await Promise.all(days)).map((records) => records.map(({ otherPeriod }) => otherPeriod));
      const isTurn = pseudonymPeriod(begins, rotationDays * 86_400) !==
        pseudonymPeriod(turn, rotationDays * 86_400);
      assertEquals(isTurn, rotationDays === 1);
      assertEquals(marks, [[undefined, undefined], [isTurn ? true : undefined]]);
    }
  });
}

Deno.test("acceptLog() on a log server asks the ACS about nothing that it could not store", async () => {
  await using split = await startBoth();
  const app = split.logs.appOf("notes");
  const token = await makeToken(split.acs);
  const asked: string[] = [];
  split.network = (request, reach) => {
    asked.push(new URL(request.url).pathname);
    return reach(request);
  };
  for (const body of [new Uint8Array([1, 2, 3]), logBody(token, { events: [UNKNOWN] })]) {
    const { code } = await assertRejects(
      () => acceptLog(split.logs, { app, ...forge(signLog(token, body)) }),
      Refusal,
    );
    assert(code === "body_malformed" || code === "events_invalid", code);
  }
  assertEquals(asked, []);
  await assertRefused(
    acceptLog(split.logs, { app, ...forge(signLog(token, logBody(token))) }),
    "mac_invalid",
  );
  assertEquals(asked, ["/acs/v1/apps/notes/redeem"]);
});

for (const [where, serverOf] of Object.entries(SERVERS)) {
  Deno.test(`acceptLog() on ${where} refuses a token of another pseudonym, and spends nothing`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const app = server.appOf("notes");
    const asked: string[] = [];
    split.network = (request, reach) => {
      asked.push(new URL(request.url).pathname);
      return reach(request);
    };
    const [token, other] = [await makeToken(split.acs), await makeToken(split.acs)];
    const stolen = [
      { pseudonym: other.pseudonym },
      { binding: other.binding },
      { pseudonym: other.pseudonym, binding: other.binding },
      // Before anything that the schema says.
      { pseudonym: other.pseudonym, events: [UNKNOWN] },
      { pseudonym: other.pseudonym, events: [STOPPED] },
    ];
    // With the MAC key evaluated at the first of them, and remembered from then on.
    for (const members of stolen) {
      const log = signLog(token, logBody(token, { events: [OPENED], ...members }));
      const { message } = await assertRefused(acceptLog(server, { app, ...log }), "pseudonym_mismatch");
      for (const secret of [token.pseudonym, token.binding, other.pseudonym, other.binding]) {
        assertEquals(message.includes(secret), false);
      }
      await assertRefused(
        acceptLog(server, { app: { ...app, pseudonymSeconds: undefined }, ...log }),
        "pseudonym_mismatch",
      );
      await assertRefused(
        acceptLog(server, { app, ...forge(log) }),
        where === "a server with keys" ? "mac_invalid" : "pseudonym_mismatch",
      );
    }
    assertEquals(asked, []);
    assertEquals([await countClaims(split.acs), await storedEvents(server)], [0, []]);
    const honest = signLog(token, logBody(token, { events: [OPENED] }));
    assertEquals(await acceptLog(server, { app, ...honest }), { accepted: 1, rejected: [], replayed: false });
  });

  Deno.test(`acceptLog() on ${where} answers what was accepted before there were bindings, and takes nothing more without`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const app = server.appOf("notes");
    const token = await makeToken(split.acs);
    const sign = (members: Record<string, unknown>, use = 0) =>
      signLog(token, logBody(token, { events: [OPENED], ...members }), { use });
    const before = { binding: undefined };
    const log = sign(before);
    const { credential, contentEncoding, body } = log;
    const covered = { app: app.id, credential, body: { contentEncoding, bodyDigest: digestBody(body) } };
    const record = encodeRecord(token.pseudonym, [{ name: OPENED.name, at: NOW, fields: {} }]);
    assertEquals(
      await server.redeemer.store(await server.redeemer.verify(covered, NOW), () => record),
      "accepted",
    );
    const claims = await countClaims(split.acs);
    assertEquals(await acceptLog(server, { app, ...log }), { accepted: 1, rejected: [], replayed: true });
    for (const [use, members] of [before, before, { pseudonym: undefined }].entries()) {
      await assertRefused(acceptLog(server, { app, ...sign(members, use) }), "body_malformed");
    }
    assertEquals([await countClaims(split.acs), await storedEvents(server)], [claims, [["app_opened"]]]);
  });

  Deno.test(`acceptLog() on ${where} answers a replay although a pseudonym is collected since`, async () => {
    await using split = await startBoth();
    const server = serverOf(split);
    const app = server.appOf("notes");
    const log = await firstLog(split, { events: [OPENED], pseudonym: undefined, binding: undefined });
    const without = { ...app, pseudonymSeconds: undefined };
    assertEquals((await acceptLog(server, { app: without, ...log })).replayed, false);
    assertEquals((await acceptLog(server, { app, ...log })).replayed, true);
  });
}

/** Several logs in one request: each is answered, stored and counted as if it had come by itself. */
import { assert, assertEquals } from "@std/assert";
import { concat, utf8 } from "../../../core/base/bytes.ts";
import { LOG_ROWS } from "../../../core/ledger/families.ts";
import { splitLines } from "../../../core/ledger/pack_records.ts";
import { LOG_OVERHEAD } from "../../../core/token/log_batch.ts";
import { present } from "../../support/base/present.ts";
import {
  batchLogs,
  logBody,
  logsPath,
  oneToken,
  signLog,
  type Token,
  tokensOf,
} from "../../support/client/protocol_client.ts";
import { assertRefused, assertRefusedUnwritten } from "../../support/http/assert_answers.ts";
import { faultyKv } from "../../support/store/faulty_kv.ts";
import { countClaims, snapshot, type TestService, withService } from "../../support/service/service.ts";

type Log = ReturnType<typeof signLog>;
type Outcome = Record<string, unknown> & { status: number };

/** Sends logs in one request; what became of each. */
async function outcomesOf(test: TestService, logs: readonly Log[], app = "notes"): Promise<Outcome[]> {
  const response = await test.send(logsPath(app), batchLogs(logs));
  const answer = await response.json();
  assertEquals(response.status, 200, JSON.stringify(answer));
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(response.headers.get("cache-control"), "no-store");
  for (const name of ["dit-replayed", "x-dit-code", "retry-after"]) {
    assertEquals(response.headers.get(name), null, name);
  }
  assertEquals(answer.outcomes.length, logs.length);
  return answer.outcomes;
}

/** The outcome that says what the answer to a request of its own says. */
async function outcomeOf(test: TestService, log: Log): Promise<Outcome> {
  const response = await test.send(logsPath(), log);
  const { headers, status } = response;
  const members = await response.json();
  if (status === 200) return { status, ...members, replayed: headers.has("dit-replayed") };
  const retryAfter = headers.get("retry-after");
  return { ...members, ...(retryAfter === null ? {} : { "retry-after": Number(retryAfter) }) };
}

const accepted = (replayed = false) => ({ status: 200, accepted: 1, rejected: [], replayed });
const usesOf = (token: Token, uses: number) =>
  Array.from({ length: uses }, (_, use) => signLog(token, { use }));

Deno.test("POST logs takes a batch, and answers each log what a request of its own would have heard", async () => {
  await withService({}, async (test) => {
    const [token, other] = await tokensOf(test, { count: 2 }) as [Token, Token];
    const body = (members: Record<string, unknown>) => ({ body: logBody(token, members) });
    const events = [{ name: "note_stopped", fields: {} }];
    const wrongKey = new Uint8Array(32);
    const logs = [
      signLog(token),
      signLog(token, { use: 1, encoding: "gzip" }),
      { ...signLog(token, { use: 2 }), body: logBody(token) },
      signLog(token, { use: 3, keyId: wrongKey }),
      signLog(token, { use: 64 }),
      signLog(token, { use: 4, ...body({ events }) }),
      signLog(token, { use: 4, ...body({ events: [{ name: "unheard_of", fields: {} }] }) }),
      signLog(token, { use: 4, body: logBody(other) }),
      signLog(token, { use: 4, body: utf8("{") }),
      signLog(token, { use: 4, packed: utf8("not gzip") }),
      signLog(token, { use: 4, body: new Uint8Array() }),
      signLog(token, { use: 4, body: new Uint8Array(65_537).fill(0x20) }),
      signLog(other, { use: 63 }),
      signLog(token, {
        use: 5,
        ...body({ events: [{ name: "app_opened", fields: {} }, { name: "note_saved", fields: {} }] }),
      }),
    ];
    const outcomes = await outcomesOf(test, logs);
    assertEquals(outcomes.map(({ code, accepted }) => code ?? accepted), [
      1,
      1,
      "mac_invalid",
      "key_unknown",
      "use_out_of_range",
      "collection_stopped",
      "events_invalid",
      "pseudonym_mismatch",
      "body_malformed",
      "body_malformed",
      "body_malformed",
      "body_too_large",
      1,
      1,
    ]);
    assertEquals((await test.records()).length, 4);
    assertEquals(await countClaims(test.kv), 4);
    // By itself each hears the same now, but that those which were taken are replays.
    for (const [index, log] of logs.entries()) {
      const alone = await outcomeOf(test, log);
      const replayed = outcomes[index]?.status === 200 ? { replayed: true } : {};
      assertEquals(alone, { ...outcomes[index], ...replayed }, `log ${index}`);
    }
    assertEquals(await countClaims(test.kv), 4);
  });
});

Deno.test("POST logs refuses of a batch what no header of its own could say", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const request = batchLogs([signLog(token), signLog(token, { use: 9_999 }), signLog(token, { use: 2 })]);
    const [first, second] = [3, 3 + LOG_OVERHEAD + signLog(token).body.length];
    request.body[first + 98] = 2;
    request.body.set([0x27, 0x10], second + 64);
    const { outcomes } = await (await test.send(logsPath(), request)).json();
    assertEquals(outcomes.map(({ status, code }: Outcome) => [status, code]), [
      [415, "media_type"],
      [401, "credential_malformed"],
      [200, undefined],
    ]);
  });
});

Deno.test("POST logs answers each log of a batch that is sent again its own answer, and stores nothing twice", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const logs = usesOf(token, 6);
    assertEquals(await outcomesOf(test, logs.slice(0, 4)), Array(4).fill(accepted()));
    const before = await snapshot(test.kv);
    assertEquals(await outcomesOf(test, logs.slice(0, 4)), Array(4).fill(accepted(true)));
    assertEquals(await snapshot(test.kv), before);
    // Another cut of the same queue, in another order.
    const again = [5, 2, 4, 0].map((index) => present(logs[index]));
    assertEquals(await outcomesOf(test, again), [false, true, false, true].map(accepted));
    assertEquals((await test.records()).length, 6);
  });
});

Deno.test("POST logs gives a use that two logs of a batch claim to one, and knows the same log twice", async () => {
  await withService({}, async (test) => {
    const token = await oneToken(test);
    const [one, two] = [signLog(token), signLog(token)];
    const outcomes = await outcomesOf(test, [one, two, one]);
    assertEquals(outcomes.map(({ code, replayed }) => code ?? replayed), [false, "use_taken", true]);
    assertEquals((await test.records()).length, 1);
    assertEquals(await countClaims(test.kv), 1);
  });
});

Deno.test("POST logs writes nothing of a batch that is cut off anywhere", async () => {
  await withService({}, async (test) => {
    const { body, headers } = batchLogs(usesOf(await oneToken(test), 3));
    const before = await snapshot(test.kv);
    // Behind each log too, where all that is there could be read.
    const size = (body.length - 3) / 3;
    const lengths = [0, 1, 3, 50, body.length - 1, ...[1, 2].map((logs) => 3 + logs * size)];
    for (const length of lengths) {
      const cut = { method: "POST", headers: { "content-type": headers["content-type"]! } };
      const response = await test.send(logsPath(), { ...cut, body: body.slice(0, length) });
      await assertRefused(response, 400, "body_malformed");
    }
    const longer = concat(body, new Uint8Array(1));
    const response = await test.send(logsPath(), {
      method: "POST",
      headers: { "content-type": headers["content-type"]! },
      body: longer,
    });
    await assertRefused(response, 400, "body_malformed");
    await test.service.committer.drain();
    assertEquals(await snapshot(test.kv), before);
  });
});

Deno.test("POST logs writes nothing of a batch whose connection breaks off behind a whole log", async () => {
  await withService({}, async (test) => {
    const { body, headers } = batchLogs(usesOf(await oneToken(test), 2));
    const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(body.subarray(0, 3 + (body.length - 3) / 2));
        controller.error(new Error("The connection is gone"));
      },
    });
    const request = { method: "POST", headers, body: broken, duplex: "half" } as RequestInit;
    await assertRefusedUnwritten(test, [logsPath(), request], 408, "request_timeout");
  });
});

Deno.test("POST logs refuses a batch as a whole by its headers, its size and its number, and writes nothing", async () => {
  await withService({}, async (test) => {
    const tokens = await tokensOf(test, { count: 2 });
    const log = signLog(present(tokens[0]));
    const batch = batchLogs([log]);
    const withHeaders = (changes: Record<string, string>) => ({
      ...batch,
      headers: { ...batch.headers, ...changes },
    });
    const refused = (
      request: RequestInit,
      status: number,
      code: Parameters<typeof assertRefused>[2],
      app = "notes",
    ) => assertRefusedUnwritten(test, [logsPath(app), request], status, code);
    await refused(withHeaders({ "content-encoding": "gzip" }), 415, "media_type");
    await refused(withHeaders({ "content-type": "application/vnd.dit.logs; v=1" }), 415, "media_type");
    await refused(
      withHeaders({ authorization: present(log.headers.authorization) }),
      401,
      "credential_malformed",
    );
    await refused(batch, 404, "app_unknown", "elsewhere");
    const many = tokens.flatMap((token) => usesOf(token, 64));
    await refused(batchLogs(many.slice(0, 65)), 413, "body_too_large");
    const body = new Uint8Array(65_536).fill(0x20);
    const large = Array.from({ length: 4 }, (_, use) => signLog(present(tokens[0]), { use, body }));
    await refused(batchLogs(large), 413, "body_too_large");
    await refused(
      { ...batchLogs(large), headers: { "content-type": "application/vnd.dit.logs" } },
      413,
      "body_too_large",
    );
    // A session never reaches the route, whatever is sent with it.
    const session = await test.send(logsPath(), withHeaders({ authorization: "Bearer abc" }));
    assertEquals((await session.json()).outcomes, [accepted()]);
    assertEquals(
      await outcomesOf(test, many.slice(0, 64)),
      [
        { ...accepted() },
        ...Array(63).fill(accepted()),
      ].with(0, await outcomeOf(test, present(many[0]))),
    );
  });
});

Deno.test("POST logs puts the logs of a batch into one commit, whose row says nothing of their order", async () => {
  const commits: number[] = [];
  await withService({ committer: { onCommit: (claims) => commits.push(claims) } }, async (test) => {
    const tokens = await tokensOf(test, { count: 4 });
    const logs = tokens.flatMap((token) => usesOf(token, 8));
    await outcomesOf(test, logs);
    assertEquals(commits, [32]);
    const rows = await Array.fromAsync(test.service.store.list<Uint8Array>(LOG_ROWS.prefix("notes")));
    assertEquals(rows.length, 1);
    const order = splitLines(present(rows[0]).value).map((line) =>
      JSON.parse(new TextDecoder().decode(line)).pseudonym
    );
    // As sent, the 8 logs of each token stand side by side: 28 neighbours of one token. Shuffled it is 7 of 31 on
    // average; 20 and more in one of 10^6.
    const neighbours = order.filter((pseudonym, index) => pseudonym === order[index - 1]).length;
    assert(neighbours < 20, `${neighbours} neighbours`);
  });
});

Deno.test("what is kept of a batch is what is kept of the same logs sent side by side", async () => {
  /** Keys without what is random in them, lengths of values, and all that is counted. */
  const left = async (send: (test: TestService, logs: readonly Log[]) => Promise<unknown>) => {
    let kept: unknown;
    await withService({}, async (test) => {
      const tokens = await tokensOf(test, { count: 4 });
      const bad = { ...signLog(present(tokens[0]), { use: 9 }), body: logBody(present(tokens[0])) };
      const logs = [
        ...tokens.flatMap((token) => usesOf(token, 4)),
        bad,
        present(usesOf(present(tokens[1]), 1)[0]),
      ];
      // Issuance wrote before: what is counted is the logs.
      await send(test, logs);
      await test.service.committer.drain();
      const rows = (await snapshot(test.kv)).map(({ key, value }) => [
        key.map((part) =>
          part instanceof Uint8Array ? part.length : typeof part === "number" ? part : String(part)
        ),
        value instanceof Uint8Array ? value.length : typeof value,
      ]);
      const counted = [...present(test.service.counters.totals().get("notes"))]
        .filter(([series]) => !series.includes("durations")).toSorted();
      kept = {
        families: Map.groupBy(rows, ([key]) => String((key as unknown[])[0])).entries()
          .map(([family, all]) => [family, all.map(([, value]) => value).toSorted()]).toArray(),
        counted,
      };
    });
    return kept;
  };
  const together = await left((test, logs) => test.send(logsPath(), batchLogs(logs)));
  const alone = await left((test, logs) => Promise.all(logs.map((log) => test.send(logsPath(), log))));
  assertEquals(together, alone);
});

Deno.test("POST logs throttles each log of a batch as a request of its own", async () => {
  await withService({ admission: { burst: 8, requestsPerSecond: 0.5 } }, async (test) => {
    // Directory and tokens were two requests.
    const logs = usesOf(await oneToken(test), 10);
    const outcomes = await outcomesOf(test, logs);
    const late = { status: 429, code: "overloaded", "retry-after": 2 };
    assertEquals(
      outcomes.map(({ status, code, "retry-after": after }) =>
        status === 200 ? 200 : { status, code, "retry-after": after }
      ),
      [...Array(6).fill(200), ...Array(4).fill(late)],
    );
    assertEquals((await test.records()).length, 6);
    await assertRefused(await test.send(logsPath(), batchLogs(logs)), 429, "overloaded");
  });
});

Deno.test("POST logs tells every log of a batch that its outcome is unknown while the store does not answer", async () => {
  const real = await Deno.openKv(":memory:");
  const faulty = faultyKv(real);
  await withService({ kv: faulty.kv }, async (test) => {
    const logs = usesOf(await oneToken(test), 3);
    faulty.fault = () => "throw";
    const outcomes = await outcomesOf(test, logs);
    for (const outcome of outcomes) {
      assertEquals([outcome.status, outcome.code], [503, "store_unavailable"]);
      assert(Number(outcome["retry-after"]) >= 1);
    }
    assertEquals(await countClaims(real), 0);
  });
});

Deno.test("POST logs tells of an error that nobody expected to its log alone", async () => {
  await withService({}, async (test) => {
    const logs = usesOf(await oneToken(test), 3);
    const { risk } = test.service;
    const observe = risk.observe.bind(risk);
    let calls = 0;
    risk.observe = (...observed) => {
      if (calls++ === 1) throw new Error("a secret of the second log");
      observe(...observed);
    };
    const outcomes = await outcomesOf(test, logs);
    assertEquals(outcomes.map(({ status, code }) => code ?? status), [200, "internal", 200]);
    assert(!JSON.stringify(outcomes).includes("secret"));
    assertEquals(test.internalErrors.splice(0).length, 1);
    // Its bytes are answered once the error is gone.
    assertEquals(await outcomesOf(test, logs), Array(3).fill(accepted(true)));
  });
});

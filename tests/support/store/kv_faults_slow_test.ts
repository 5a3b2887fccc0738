import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { claim, until, withEndpoint } from "./with_kv_endpoint.ts";

/** Whether a promise is still pending after everything that has already happened was handled. */
async function pending(promise: Promise<unknown>): Promise<boolean> {
  const marker = {};
  const later = new Promise((resolve) => setTimeout(() => resolve(marker), 0));
  return await Promise.race([promise, later]) === marker;
}

Deno.test("KvFaults.unavailableAfterWrite makes the client replay, so that a check fails on its own value", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    endpoint.faults.unavailableAfterWrite = 2;
    const outcome = await claim(kv, 1, "my tag");
    assertEquals(outcome, { ok: false });
    assertEquals((await kv.get(["claim", 1])).value, "my tag");
    assertEquals(endpoint.counts.writes, 3);
    assertEquals([endpoint.faults.unavailableAfterWrite, endpoint.counts.unavailableAfterWrite], [0, 2]);

    endpoint.faults.unavailableAfterWrite = 1;
    await kv.atomic().sum(["count"], 1n).commit();
    assertEquals((await kv.get<Deno.KvU64>(["count"])).value?.value, 2n); // why no limit may rest on a sum
  });
});

Deno.test("KvFaults.cutAfterWrite loses the answer, with the same outcome", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    endpoint.faults.cutAfterWrite = 1;
    assertEquals(await claim(kv, 1, "my tag"), { ok: false });
    assertEquals((await kv.get(["claim", 1])).value, "my tag");
    assertEquals([endpoint.counts.writes, endpoint.counts.cutAfterWrite], [2, 1]);
  });
});

for (const fault of ["unavailable", "cut"] as const) {
  Deno.test(`KvFaults.${fault} keeps the request from the engine; the client tries again`, async () => {
    await withEndpoint(async (endpoint, open) => {
      const kv = await open();
      endpoint.faults[fault] = 1;
      assert((await claim(kv, 1, "tag")).ok);
      endpoint.faults[fault] = 1;
      assertEquals((await kv.get(["claim", 1])).value, "tag");
      assertEquals(endpoint.counts, { ...endpoint.counts, writes: 1, requests: 4, [fault]: 2 });
    });
  });
}

Deno.test("KvFaults.truncateAnswer makes commit() throw although the write has landed", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    endpoint.faults.truncateAnswer = 1;
    await assertRejects(() => claim(kv, 1, "landed"), Error, "failed to read response body");
    assertEquals((await kv.get(["claim", 1])).value, "landed");
    assertEquals([endpoint.counts.writes, endpoint.counts.truncateAnswer], [1, 1]);
  });
});

Deno.test("KvFaults.replayWrite hands a write to the engine twice", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    endpoint.faults.replayWrite = Infinity;
    assertEquals(await claim(kv, 1, "my tag"), { ok: false });
    assert((await kv.atomic().sum(["count"], 1n).commit()).ok);
    assertEquals((await kv.get<Deno.KvU64>(["count"])).value?.value, 2n);
    assertEquals([endpoint.counts.writes, endpoint.counts.replayWrite], [4, 2]);
  });
});

Deno.test("KvFaults.hang holds requests back, and lands them later even if the client has gone", async () => {
  await withEndpoint(async (endpoint, open) => {
    const [kv, gone] = [await open(), await open()];
    endpoint.faults.hang = true;
    const read = kv.get(["claim", 1]);
    const abandoned = claim(gone, 1, "late");
    await until(() => endpoint.counts.requests === 2);
    assert(await pending(read));
    assert(await pending(abandoned));
    assertEquals(endpoint.counts.writes, 0);
    gone.close();
    endpoint.faults.hang = false;
    await read;
    await until(async () => (await kv.get(["claim", 1])).value === "late");
    await abandoned;
  });
});

Deno.test("KvFaults.hang ends with stop(), and what hung is lost", async () => {
  await withEndpoint(async (endpoint, open) => {
    const [kv, gone] = [await open(), await open()];
    endpoint.faults.hang = true;
    const abandoned = claim(gone, 1, "lost").catch(() => {});
    await until(() => endpoint.counts.requests === 1);
    gone.close();
    await endpoint.stop();
    assertEquals(endpoint.counts.writes, 0);
    endpoint.faults.hang = false;
    await endpoint.start();
    assert((await claim(kv, 2, "mine")).ok);
    // A client that is closed still asks again, once there is an endpoint: no more than that has landed.
    await abandoned;
    assertLessOrEqual(endpoint.counts.writes, 2);
  });
});

Deno.test("KvFaults.hangAnswer lands a write and keeps its answer", async () => {
  await withEndpoint(async (endpoint, open) => {
    const [kv, other] = [await open(), await open()];
    endpoint.faults.hangAnswer = true;
    const answer = claim(kv, 1, "landed");
    await until(async () => (await other.get(["claim", 1])).value === "landed");
    assert(await pending(answer));
    endpoint.faults.hangAnswer = false;
    assert((await answer).ok);
  });
});

Deno.test("KvFaults.delayMs is spent before the engine, delayAnswerMs after it", async () => {
  await withEndpoint(async (endpoint, open) => {
    const [kv, other] = [await open(), await open()];
    endpoint.faults.delayMs = 3_000;
    const before = claim(kv, 1, "held back");
    await until(() => endpoint.counts.requests === 1);
    endpoint.faults.delayMs = 0;
    assertEquals((await other.get(["claim", 1])).value, null);
    assert((await before).ok);

    endpoint.faults.delayAnswerMs = 3_000;
    const after = claim(kv, 2, "landed");
    await until(async () => (await other.get(["claim", 2])).value === "landed");
    assert(await pending(after));
    endpoint.faults.delayAnswerMs = 0;
    assert((await after).ok);
  });
});

Deno.test("KvFaults.loseConnection loses connections at any byte, and no claim with them", async () => {
  await withEndpoint(async (endpoint, open) => {
    const kv = await open();
    const { faults, counts } = endpoint;
    Object.assign(faults, { loseConnection: Infinity, loseConnectionWithinBytes: 6000, cut: 1 });
    for (let use = 0; use < 10; use++) {
      const tag = `${use}-`.padEnd(1000, "x");
      await claim(kv, use, tag).catch(() => {}); // throws if the connection broke off within the answer's body
      await until(async () => (await kv.get(["claim", use]).catch(() => undefined))?.value === tag);
    }
    assert(counts.loseConnection > 2, `${counts.loseConnection}`); // 20 kB and more, at most 6 kB a connection
    assert(counts.writes >= 10);

    Object.assign(faults, { loseConnection: 2, loseConnectionWithinBytes: 0, cut: 1 });
    await until(async () =>
      (await claim(kv, 20, "at once").catch(() => ({ ok: false }))).ok || faults.loseConnection === 0
    );
    assertEquals(faults.loseConnection, 0);
    assertEquals((await kv.get(["claim", 20])).value, "at once");
  });
});

Deno.test("KvFaults given by chance strike a share of the requests, the same ones for the same seed", async () => {
  const struck = async (seed: number) => {
    let answers = "";
    await withEndpoint(async (endpoint, open) => {
      const kv = await open();
      endpoint.faults.replayWrite = 0.5;
      for (let use = 0; use < 40; use++) answers += (await claim(kv, use, "tag")).ok ? "." : "x";
      assertEquals(endpoint.counts.replayWrite, answers.split("x").length - 1);
    }, { seed });
    return answers;
  };
  const first = await struck(7);
  assertEquals(await struck(7), first);
  assert(await struck(8) !== first);
  const share = first.split("x").length - 1;
  assert(share > 8 && share < 32, first);
});

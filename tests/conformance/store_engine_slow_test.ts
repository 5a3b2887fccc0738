import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ClaimingEngine } from "../../core/store/claims.ts";
import { MAX_RECORD_BYTES } from "../../core/schema/record.ts";
import { StoreUnavailable } from "../../core/store/breaker.ts";
import { DENO_KV_LIMITS } from "../../core/store/deno_kv/limits.ts";
import { openEngine } from "../../core/store/deno_kv/open.ts";
import { roomInCommit, roomInValue } from "../../core/store/limits.ts";
import { Store } from "../../core/store/store.ts";
import type { KvEndpoint } from "../support/store/kv_endpoint.ts";
import { until, withEndpoint } from "../support/store/with_kv_endpoint.ts";
import { testEngine } from "./store_engine.ts";

/** Runs `run` with an `open`, and closes at the end what is still open. */
async function closing(
  open: () => Promise<ClaimingEngine>,
  run: (open: () => Promise<ClaimingEngine>) => Promise<void>,
): Promise<void> {
  const engines: ClaimingEngine[] = [];
  try {
    await run(async () => {
      const engine = await open();
      engines.push(engine);
      return engine;
    });
  } finally {
    for (const engine of engines) {
      try {
        engine.close();
      } catch {
        // The test has closed it already.
      }
    }
  }
}

/** The same engine once more: a database that is not shared has one client, which all of the process use. */
function again(engine: ClaimingEngine): ClaimingEngine {
  return {
    limits: engine.limits,
    capabilities: engine.capabilities,
    get: (key) => engine.get(key),
    getMany: (keys) => engine.getMany(keys),
    list: (range, options) => engine.list(range, options),
    commit: (checks, writes) => engine.commit(checks, writes),
    close: () => {},
    claims: (calls) => engine.claims(calls),
  };
}

/** Runs a test on a database of its own that only this process has. */
async function withOwn(
  location: string,
  run: (open: () => Promise<ClaimingEngine>) => Promise<void>,
): Promise<void> {
  let inner: ClaimingEngine | undefined;
  await closing(async () => {
    if (inner !== undefined) return again(inner);
    inner = await openEngine(location);
    return inner;
  }, run);
}

async function withFile(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/kv.sqlite3`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

testEngine({ name: "Deno KV in memory", withStore: (run) => withOwn(":memory:", run) });

testEngine({ name: "Deno KV in a file", withStore: (run) => withFile((path) => withOwn(path, run)) });

Deno.test("a file that is closed and opened again has what was committed, under the same stamps", () =>
  withFile(async (path) => {
    const first = await openEngine(path);
    const done = await first.commit([], [{ type: "set", key: ["x"], value: 1 }]);
    first.close();
    const second = await openEngine(path);
    const row = await second.get(["x"]);
    assertEquals(done, { ok: true, stamp: row.stamp ?? "" });
    second.close();
  }));

/** An endpoint, and engines on it that are ready for use. */
async function withEngines(
  run: (endpoint: KvEndpoint, open: () => Promise<ClaimingEngine>) => Promise<void>,
): Promise<void> {
  await withEndpoint((endpoint) =>
    closing(async () => {
      const engine = await openEngine(endpoint.url);
      await engine.get(["warm up"]);
      return engine;
    }, (open) => run(endpoint, open))
  );
}

testEngine({
  name: "Deno KV behind KV Connect",
  withStore: (run) => withEngines((_, open) => run(open)),
});

Deno.test("a commit whose answer is lost has landed, says no, and a retry finds itself", () =>
  withEngines(async (endpoint, open) => {
    const store = new Store(await open());
    for (const fault of ["unavailableAfterWrite", "cutAfterWrite"] as const) {
      const key = ["x", fault];
      endpoint.faults[fault] = 1;
      const claim = () => store.commit((commit) => commit.check({ key, stamp: null }).set(key, "mine"));
      // The client sends it again by itself, and the check meets what it has written.
      assertEquals(await claim(), undefined);
      assertEquals((await store.get(key)).value, "mine");
      assertEquals(await claim(), undefined);
    }
  }));

Deno.test("a commit whose answer breaks off throws, and has landed", () =>
  withEngines(async (endpoint, open) => {
    const store = new Store(await open());
    endpoint.faults.truncateAnswer = 1;
    await assertRejects(() => store.commit((commit) => commit.set(["x"], "mine")), StoreUnavailable);
    assertEquals((await store.get(["x"])).value, "mine");
  }));

Deno.test("a commit that hangs is given up on, and lands when the store comes to", () =>
  withEngines(async (endpoint, open) => {
    const store = new Store(await open(), { deadlineMs: 300 });
    endpoint.faults.hang = true;
    const fault = await assertRejects(
      () => store.commit((commit) => commit.check({ key: ["x"], stamp: null }).set(["x"], "late")),
      StoreUnavailable,
    );
    assertEquals(fault.why, "late");
    endpoint.faults.hang = false;
    const patient = new Store(await open(), { deadlineMs: 60_000 });
    await until(async () => (await patient.get(["x"])).value === "late");
    // Whoever repeats it finds that it is there.
    assertEquals(
      await patient.commit((commit) => commit.check({ key: ["x"], stamp: null }).set(["x"], "again")),
      undefined,
    );
  }));

Deno.test("an endpoint that dies in a commit leaves all of it or nothing, and update() goes on when it is back", () =>
  withEngines(async (endpoint, open) => {
    const store = new Store(await open(), { deadlineMs: 500 });
    // Under a check: the client of KV Connect repeats a write that was cut off, whenever the endpoint is back.
    const write = (value: number, stamp: string | null) =>
      store.commit((commit) => commit.check({ key: ["x"], stamp }).set(["x"], value).set(["y"], value));
    const first = await write(1, null) ?? null;
    assert(first !== null);
    endpoint.faults.hangAnswer = true;
    const cutOff = write(2, first).then(() => "answered", () => "unknown");
    await until(() => endpoint.counts.writes >= 2);
    await endpoint.stop();
    assertEquals(await cutOff, "unknown");
    endpoint.faults.hangAnswer = false;
    await endpoint.start();
    const back = new Store(await open(), { deadlineMs: 60_000 });
    const [x, y] = await back.getMany<number>([["x"], ["y"]]);
    assertEquals(x?.value, y?.value);
    assertEquals(x?.stamp, y?.stamp);
    const { result } = await back.update<number, number>(["x"], ({ value }, commit) => {
      const next = (value ?? 0) + 1;
      commit.set(["x"], next);
      return next;
    });
    assertEquals((await back.get(["x"])).value, result);
  }));

Deno.test("every engine has room for a record in a value, and for several in a commit", () => {
  assert(roomInValue(DENO_KV_LIMITS) >= MAX_RECORD_BYTES);
  assert(roomInCommit(DENO_KV_LIMITS) >= 2 * MAX_RECORD_BYTES);
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { StoreUnavailable } from "../../core/store/breaker.ts";
import { Store } from "../../core/store/store.ts";
import { withEngines } from "../support/store/engines.ts";
import { until } from "../support/store/with_kv_endpoint.ts";
import { assertTogether, claimOf, claimUntilSettled, type Named, withGuards, writesOf } from "./claims.ts";
import { testEngine } from "./store_engine.ts";

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

/** Faults of one commit: the engine did not see it, or did and nobody is told. */
const CUT_OFF = [
  "unavailable",
  "cut",
  "unavailableAfterWrite",
  "cutAfterWrite",
  "truncateAnswer",
] as const;

Deno.test("a group whose commit is cut off is claimed with its writes or not at all, and asking again finds it", () =>
  withEngines(async (endpoint, open) => {
    const engine = await open();
    const { claims } = new Store(engine, { deadlineMs: 60_000 });
    const [guard] = await withGuards(engine);
    for (const fault of CUT_OFF) {
      const group = ["x", "y", "z"].map((name, value) => claimOf(guard, `${fault} ${name}`, value));
      endpoint.faults[fault] = 1;
      // It may say that nobody knows what became of it.
      await claims.claimGroup(group, writesOf).catch((error) => assert(error instanceof StoreUnavailable));
      await assertTogether(engine, group);
      assertEquals(await claimUntilSettled(claims, group), { won: group, lost: [] });
      assertEquals(await assertTogether(engine, group), "written");
      assertEquals(endpoint.counts[fault] > 0, true, fault);
    }
  }));

Deno.test("a group whose endpoint dies in its commit is claimed with its writes or not at all", () =>
  withEngines(async (endpoint, open) => {
    const engine = await open();
    const [guard] = await withGuards(engine);
    const group: Named[] = ["x", "y", "z"].map((name, value) => claimOf(guard, name, value));
    endpoint.faults.hangAnswer = true;
    const before = endpoint.counts.writes;
    const cutOff = assertRejects(
      () => new Store(engine, { deadlineMs: 500 }).claims.claimGroup(group, writesOf),
      StoreUnavailable,
    );
    await until(() => endpoint.counts.writes > before);
    await endpoint.stop();
    await cutOff;
    endpoint.faults.hangAnswer = false;
    await endpoint.start();
    const back = await open();
    await assertTogether(back, group);
    const { claims } = new Store(back, { deadlineMs: 60_000 });
    assertEquals(await claimUntilSettled(claims, group), { won: group, lost: [] });
    assertEquals(await assertTogether(back, group), "written");
  }));

import { assertEquals, assertRejects } from "@std/assert";
import { ABANDONED_SECONDS, runInTurn, type TurnOptions } from "../../../core/jobs/turns.ts";
import { DenoKvEngine } from "../../../core/store/deno_kv/engine.ts";
import { Store } from "../../../core/store/store.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Processes on one store, and a clock that each pause moves. */
async function withTurns(
  run: (turnOf: (changes?: Partial<TurnOptions>) => TurnOptions) => Promise<void>,
  shared = true,
): Promise<void> {
  const store = new Store(new DenoKvEngine(await Deno.openKv(":memory:"), { shared }));
  let now = 0;
  try {
    await run((changes) => ({
      store,
      random,
      job: "maintenance",
      mayShare: true,
      signal: new AbortController().signal,
      steady: () => now,
      pause(milliseconds) {
        now += milliseconds;
        return new Promise((resolve) => setTimeout(resolve));
      },
      ...changes,
    }));
  } finally {
    store.close();
  }
}

/** Runs a job that goes on until it is told to end. */
function begin(turn: TurnOptions) {
  const [started, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const ended = runInTurn(turn, () => {
    started.resolve();
    return end.promise;
  });
  return { started: started.promise, end, ended };
}

Deno.test("runInTurn() runs a job in one process at a time, and one good end does for those that waited", () =>
  withTurns(async (turnOf) => {
    const first = begin(turnOf());
    await first.started;
    let runs = 0;
    const count = () => Promise.resolve(++runs);
    const shares = runInTurn(turnOf(), count);
    const insists = runInTurn(turnOf({ mayShare: false }), count);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(runs, 0);
    first.end.resolve();
    assertEquals(await first.ended, { kind: "ran", report: undefined });
    assertEquals([await shares, await insists], [{ kind: "elsewhere" }, { kind: "ran", report: 1 }]);
    // Nobody has the turn.
    assertEquals(await runInTurn(turnOf(), count), { kind: "ran", report: 2 });
  }));

Deno.test("runInTurn() gives a turn that failed to whoever waits", () =>
  withTurns(async (turnOf) => {
    const first = begin(turnOf());
    await first.started;
    const second = runInTurn(turnOf(), () => Promise.resolve("here"));
    first.end.reject(new TypeError("failed"));
    await assertRejects(() => first.ended, TypeError);
    assertEquals(await second, { kind: "ran", report: "here" });
  }));

Deno.test("runInTurn() takes the turn of a process that has ended without a word, and not before", () =>
  withTurns(async (turnOf) => {
    // It never ends, and its timer never comes to beat while the other one waits.
    const dead = begin(turnOf());
    await dead.started;
    let waited = 0;
    const { steady } = turnOf();
    const startedAt = steady();
    const report = await runInTurn(turnOf(), () => Promise.resolve(waited = steady() - startedAt));
    assertEquals(report.kind, "ran");
    assertEquals(waited >= ABANDONED_SECONDS * 1_000, true);
    // It was only slow: it ends, and ends nobody's turn.
    const third = begin(turnOf());
    await third.started;
    dead.end.resolve();
    await dead.ended;
    const fourth = runInTurn(turnOf(), () => Promise.resolve("here"));
    third.end.resolve();
    assertEquals([(await third.ended).kind, await fourth], ["ran", { kind: "elsewhere" }]);
  }));

Deno.test("runInTurn() waits no longer than the service runs, and writes nothing where one process has the store", async () => {
  await withTurns(async (turnOf) => {
    const first = begin(turnOf());
    await first.started;
    const stopping = new AbortController();
    const second = runInTurn(turnOf({ signal: stopping.signal }), () => Promise.resolve());
    stopping.abort();
    assertEquals(await second, { kind: "stopped" });
    first.end.resolve();
    await first.ended;
  });
  await withTurns(async (turnOf) => {
    const { store } = turnOf();
    assertEquals(await runInTurn(turnOf(), () => Promise.resolve(1)), { kind: "ran", report: 1 });
    assertEquals(await Array.fromAsync(store.list({ prefix: [] })), []);
  }, false);
});

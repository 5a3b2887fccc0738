import { assert, assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/errors.ts";
import { keySpace, Store } from "../../../core/store/kv.ts";
import { Trail, type TrailEntry } from "../../../core/trail/trail.ts";
import { withEndpoint } from "../../support/with_kv_endpoint.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const now = () => 1_800_000_000;
const ROTATE = {
  operator: "admin token",
  via: "console",
  action: "POST /admin/v1/apps/demo/keys/rotate",
} as const;

async function withTrail(body: (trail: Trail, store: Store, heard: TrailEntry[]) => Promise<void>) {
  const store = new Store(await Deno.openKv(":memory:"));
  const heard: TrailEntry[] = [];
  try {
    await body(new Trail(store, { random, now, onEntry: (entry) => heard.push(entry) }), store, heard);
  } finally {
    store.close();
  }
}

Deno.test("Trail.append() chains entries in order and tells of each", async () => {
  await withTrail(async (trail, _store, heard) => {
    assertEquals(await trail.latest(10), []);
    const action = await trail.append({ ...ROTATE, details: '{"reason":"<b>drill</b>"}' });
    const outcome = await trail.append({ of: action.number, outcome: "done" });
    assertEquals([action.number, outcome.number], [1, 2]);
    assertEquals(action.previous, "00".repeat(32));
    assertEquals(outcome.previous, action.digest);
    assertEquals(action.atSeconds, 1_800_000_000);
    assertEquals(await trail.latest(10), [outcome, action]);
    assertEquals(await trail.latest(1), [outcome]);
    assertEquals(await trail.latest(10, 2), [action]);
    assertEquals(heard, [action, outcome]);
    assertEquals(await trail.verify(), { intact: true, entries: 2, digest: outcome.digest });
  });
});

Deno.test("Trail.append() loses and doubles nothing when many append at once", async () => {
  await withTrail(async (trail, store) => {
    const other = new Trail(store, { random, now });
    await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 2 ? trail : other).append(ROTATE)));
    const numbers = (await trail.latest(100)).map((entry) => entry.number);
    assertEquals(numbers, Array.from({ length: 40 }, (_, index) => 40 - index));
    assert((await trail.verify()).intact);
  });
});

Deno.test("Trail.append() knows an entry that landed unheard", async () => {
  await withEndpoint(async (endpoint, open) => {
    const trail = new Trail(new Store(await open()), { random, now });
    for (const fault of ["unavailableAfterWrite", "replayWrite"] as const) {
      endpoint.faults[fault] = 1;
      await trail.append({ ...ROTATE, details: fault });
    }
    assertEquals((await trail.latest(10)).length, 2);
    assert((await trail.verify()).intact);
    const impatient = new Trail(new Store(await open(), { deadlineMs: 100 }), { random, now });
    endpoint.faults.hang = true;
    const refusal = await assertRejects(() => impatient.append(ROTATE), Refusal);
    assertEquals(refusal.code, "store_unavailable");
    endpoint.faults.hang = false;
  });
});

Deno.test("Trail.verify() finds whatever was done to the store behind its back", async () => {
  const damages: Record<string, (store: Store) => Promise<unknown>> = {
    "an entry changed": async (store) => {
      const bytes = (await store.get<Uint8Array>(keySpace.trail(2))).value!;
      const changed = new TextDecoder().decode(bytes).replace("admin token", "reader token");
      return store.commit((operation) => operation.set(keySpace.trail(2), new TextEncoder().encode(changed)));
    },
    "an entry removed": (store) => store.commit((operation) => operation.delete(keySpace.trail(2))),
    "the first entry removed": (store) => store.commit((operation) => operation.delete(keySpace.trail(1))),
    "the last entry removed": (store) => store.commit((operation) => operation.delete(keySpace.trail(3))),
    "the last entry changed": (store) =>
      store.commit((operation) => operation.set(keySpace.trail(3), new TextEncoder().encode('{"number":3}'))),
    "an entry added": (store) =>
      store.commit((operation) => operation.set(keySpace.trail(4), new TextEncoder().encode('{"number":4}'))),
    "the head removed": (store) => store.commit((operation) => operation.delete(keySpace.trailHead())),
  };
  for (const [what, damage] of Object.entries(damages)) {
    await withTrail(async (trail, store) => {
      for (let entry = 0; entry < 3; entry++) await trail.append(ROTATE);
      assert((await trail.verify()).intact);
      await damage(store);
      assertEquals((await trail.verify()).intact, false, what);
    });
  }
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../core/base/errors.ts";
import { AUDIT_ENTRIES, AUDIT_HEADS } from "../../../core/operations/families.ts";
import { storeOver } from "../../../core/store/deno_kv/open.ts";
import type { Store } from "../../../core/store/store.ts";
import { type AuditEntry, AuditLog } from "../../../core/operations/audit_log.ts";
import { withEndpoint } from "../../support/store/with_kv_endpoint.ts";

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const now = () => 1_800_000_000;
const ROTATE = {
  operator: "admin token",
  via: "console",
  action: "POST /admin/v1/apps/demo/keys/rotate",
} as const;

async function withTrail(body: (auditLog: AuditLog, store: Store, heard: AuditEntry[]) => Promise<void>) {
  const store = storeOver(await Deno.openKv(":memory:"));
  const heard: AuditEntry[] = [];
  try {
    await body(new AuditLog(store, { random, now, onEntry: (entry) => heard.push(entry) }), store, heard);
  } finally {
    store.close();
  }
}

Deno.test("AuditLog.append() chains entries in order and tells of each", async () => {
  await withTrail(async (auditLog, _store, heard) => {
    assertEquals(await auditLog.latest(10), []);
    const action = await auditLog.append({ ...ROTATE, details: '{"reason":"<b>drill</b>"}' });
    const outcome = await auditLog.append({ of: action.number, outcome: "done" });
    assertEquals([action.number, outcome.number], [1, 2]);
    assertEquals(action.previous, "00".repeat(32));
    assertEquals(outcome.previous, action.digest);
    assertEquals(action.atSeconds, 1_800_000_000);
    assertEquals(await auditLog.latest(10), [outcome, action]);
    assertEquals(await auditLog.latest(1), [outcome]);
    assertEquals(await auditLog.latest(10, 2), [action]);
    assertEquals(heard, [action, outcome]);
    assertEquals(await auditLog.verify(), { intact: true, entries: 2, digest: outcome.digest });
  });
});

Deno.test("AuditLog.append() loses and doubles nothing when many append at once", async () => {
  await withTrail(async (auditLog, store) => {
    const other = new AuditLog(store, { random, now });
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? auditLog : other).append(ROTATE)),
    );
    const numbers = (await auditLog.latest(100)).map((entry) => entry.number);
    assertEquals(numbers, Array.from({ length: 40 }, (_, index) => 40 - index));
    assert((await auditLog.verify()).intact);
  });
});

Deno.test("AuditLog.append() knows an entry that landed unheard", async () => {
  await withEndpoint(async (endpoint, open) => {
    const auditLog = new AuditLog(storeOver(await open()), { random, now });
    for (const fault of ["unavailableAfterWrite", "replayWrite"] as const) {
      endpoint.faults[fault] = 1;
      await auditLog.append({ ...ROTATE, details: fault });
    }
    assertEquals((await auditLog.latest(10)).length, 2);
    assert((await auditLog.verify()).intact);
    const impatient = new AuditLog(storeOver(await open(), { deadlineMs: 100 }), { random, now });
    endpoint.faults.hang = true;
    const refusal = await assertRejects(() => impatient.append(ROTATE), Refusal);
    assertEquals(refusal.code, "store_unavailable");
    endpoint.faults.hang = false;
  });
});

Deno.test("AuditLog.verify() finds whatever was done to the store behind its back", async () => {
  const damages: Record<string, (store: Store) => Promise<unknown>> = {
    "an entry changed": async (store) => {
      const bytes = (await store.get<Uint8Array>(AUDIT_ENTRIES.key(2))).value!;
      const changed = new TextDecoder().decode(bytes).replace("admin token", "reader token");
      return store.commit((operation) =>
        operation.set(AUDIT_ENTRIES.key(2), new TextEncoder().encode(changed))
      );
    },
    "an entry removed": (store) => store.commit((operation) => operation.delete(AUDIT_ENTRIES.key(2))),
    "the first entry removed": (store) => store.commit((operation) => operation.delete(AUDIT_ENTRIES.key(1))),
    "the last entry removed": (store) => store.commit((operation) => operation.delete(AUDIT_ENTRIES.key(3))),
    "the last entry changed": (store) =>
      store.commit((operation) =>
        operation.set(AUDIT_ENTRIES.key(3), new TextEncoder().encode('{"number":3}'))
      ),
    "an entry added": (store) =>
      store.commit((operation) =>
        operation.set(AUDIT_ENTRIES.key(4), new TextEncoder().encode('{"number":4}'))
      ),
    "the head removed": (store) => store.commit((operation) => operation.delete(AUDIT_HEADS.key())),
  };
  for (const [what, damage] of Object.entries(damages)) {
    await withTrail(async (auditLog, store) => {
      for (let entry = 0; entry < 3; entry++) await auditLog.append(ROTATE);
      assert((await auditLog.verify()).intact);
      await damage(store);
      assertEquals((await auditLog.verify()).intact, false, what);
    });
  }
});

Deno.test("AuditLog.record() writes before the work, does the work once, and says what came of it", async () => {
  await withTrail(async (auditLog) => {
    const latest = async () => {
      const [entry] = await auditLog.latest(1);
      const { number: _n, atSeconds: _a, previous: _p, digest: _d, ...content } = entry ?? {} as AuditEntry;
      return content;
    };
    const actor = { name: "admin token", via: "api" } as const;
    const result = await auditLog.record(actor, { action: "act", details: "why" }, async () => {
      assertEquals(await latest(), { operator: "admin token", via: "api", action: "act", details: "why" });
      return 7;
    });
    assertEquals([result, await latest()], [7, { of: 1, outcome: "done" }]);
    for (
      const [error, expected] of [
        [new Refusal("stop_unknown", "x"), { of: 3, outcome: "stop_unknown" }],
        [new Error("x"), { of: 5, outcome: "internal" }],
      ] as const
    ) {
      const failed = auditLog.record(actor, { action: "fail" }, () => Promise.reject(error));
      assertEquals(await failed.catch((thrown) => thrown), error);
      assertEquals(await latest(), expected);
    }
  });
});

Deno.test("AuditLog.record() gives the result of work whose outcome could not be written", async () => {
  const store = storeOver(await Deno.openKv(":memory:"));
  const auditLog = new AuditLog(store, { random, now });
  const result = await auditLog.record({ name: "x", via: "command" }, { action: "close" }, () => {
    store.close();
    return Promise.resolve("closed");
  });
  assertEquals(result, "closed");
});

import { assert, assertEquals, assertRejects } from "@std/assert";
import { concat } from "../../../../core/base/bytes.ts";
import { Refusal } from "../../../../core/base/errors.ts";
import { dayOf, formatDay } from "../../../../core/base/time.ts";
import { listKeys } from "../../../../core/keys/listed_keys.ts";
import { exportLogs } from "../../../../core/operations/actions/export_logs.ts";
import { reseal, revoke, rotate } from "../../../../core/operations/actions/keys.ts";
import { lift } from "../../../../core/operations/actions/lift.ts";
import { mendRestored } from "../../../../core/operations/actions/mend_restored.ts";
import { Reconciler } from "../../../../core/operations/actions/reconcile.ts";
import { release } from "../../../../core/operations/actions/release.ts";
import type { Actor, AuditLog } from "../../../../core/operations/audit_log.ts";
import type { Service } from "../../../../core/service.ts";
import { EPOCH, NOW } from "../../../support/service/keys.ts";
import {
  makeToken,
  openService,
  recordOf,
  redeemWith,
  signRedemption,
} from "../../../support/service/split.ts";
import { configOf, testApplication, withService } from "../../../support/service/service.ts";

const ALICE: Actor = { name: "alice@example.com", via: "console" };

async function withKeys(run: (service: Service) => Promise<void>): Promise<void> {
  const service = await openService({ seconds: NOW });
  try {
    await run(service);
  } finally {
    service.store.close();
  }
}

/** What was written down, oldest first, without what chains it. */
async function written(auditLog: AuditLog): Promise<unknown[]> {
  return (await auditLog.latest(100)).reverse()
    .map(({ number: _n, atSeconds: _a, previous: _p, digest: _d, ...content }) => content);
}

/** The two entries of an action. */
function entriesOf(number: number, action: string, details?: string, outcome = "done"): unknown[] {
  const { name: operator, via } = ALICE;
  return [
    { operator, via, action, ...(details === undefined ? {} : { details }) },
    { of: number, outcome },
  ];
}

Deno.test("every action on keys writes down who, what and why before it is done, and what came of it", async () => {
  await withKeys(async (service) => {
    const { auditLog } = service;
    assertEquals((await rotate(service, ALICE, { app: "notes" })).made.generation, 1);
    assertEquals((await rotate(service, ALICE, { app: "notes", reason: "drill" })).made.generation, 2);
    const order = { app: "notes", epoch: EPOCH, throughGeneration: 1, reason: "leaked" };
    assertEquals((await revoke(service, ALICE, order)).replacement?.generation, 2);
    assertEquals(await reseal(service, ALICE), { resealed: 0, unreadable: 0 });
    assertEquals(await written(auditLog), [
      ...entriesOf(1, "POST /admin/v1/apps/notes/keys/rotate"),
      ...entriesOf(3, "POST /admin/v1/apps/notes/keys/rotate", '{"reason":"drill"}'),
      ...entriesOf(
        5,
        "POST /admin/v1/apps/notes/keys/revoke",
        `{"epoch":${EPOCH},"through-generation":1,"reason":"leaked"}`,
      ),
      ...entriesOf(7, "POST /admin/v1/keys/reseal"),
    ]);
    assert((await auditLog.verify()).intact);
  });
});

Deno.test("an action on keys holds for the very next request of the process that did it", async () => {
  await withKeys(async (service) => {
    const token = await makeToken(service);
    await rotate(service, ALICE, { app: "notes" });
    assertEquals((await service.ringOf("notes").issuing(NOW)).generation, 1);
    await redeemWith(service.redeemer, signRedemption(token), recordOf("a"), NOW);
    await revoke(service, ALICE, { app: "notes", epoch: EPOCH, throughGeneration: 0 });
    const late = redeemWith(service.redeemer, signRedemption(token, 1), recordOf("b"), NOW);
    assertEquals(await late.catch(({ code }) => code), "key_unknown");
  });
});

Deno.test("an action that was tried and refused has the code of its refusal as its outcome", async () => {
  await withKeys(async (service) => {
    for (let made = 0; made < 2; made++) await rotate(service, ALICE, { app: "notes" });
    const before = (await written(service.auditLog)).length;
    const third = await assertRejects(() => rotate(service, ALICE, { app: "notes" }), Refusal);
    assertEquals(third.code, "replacement_refused");
    const none = { app: "notes", epoch: 3, throughGeneration: 0 };
    assertEquals((await assertRejects(() => revoke(service, ALICE, none), Refusal)).code, "epoch_unknown");
    const outcomes = (await written(service.auditLog)).slice(before).filter((_, index) => index % 2 === 1);
    assertEquals(outcomes, [{ of: 5, outcome: "replacement_refused" }, { of: 7, outcome: "epoch_unknown" }]);
  });
});

Deno.test("an action that names nothing that is there is refused, and nothing is written", async () => {
  await withKeys(async (service) => {
    const day = dayOf(NOW);
    const attempts: Record<string, () => Promise<unknown>> = {
      rotate: () => rotate(service, ALICE, { app: "none" }),
      revoke: () => revoke(service, ALICE, { app: "none", epoch: EPOCH, throughGeneration: 0 }),
      lift: () => lift(service, ALICE, { app: "none", event: "e", reason: "r" }),
      release: () => release(service, ALICE, { app: "none", day }),
      export: () => exportLogs(service, ALICE, { app: "none", day }),
      "lift of no event": () => lift(service, ALICE, { app: "notes", event: "toString", reason: "r" }),
    };
    for (const [name, attempt] of Object.entries(attempts)) {
      const { code } = await assertRejects(attempt, Refusal, undefined, name);
      assertEquals(code, name === "lift of no event" ? "stop_unknown" : "app_unknown", name);
    }
    assertEquals(await written(service.auditLog), []);
  });
});

Deno.test("an action that cannot be written down is not done", async () => {
  await withKeys(async (service) => {
    const day = dayOf(NOW);
    const unavailable = new Refusal("store_unavailable", "The store is unavailable.");
    service.auditLog.append = () => Promise.reject(unavailable);
    const before = await listKeys(service.rotation, NOW);
    const reconciler = new Reconciler(service);
    for (
      const attempt of [
        () => rotate(service, ALICE, { app: "notes" }),
        () => revoke(service, ALICE, { app: "notes", epoch: EPOCH, throughGeneration: 0 }),
        () => reseal(service, ALICE),
        () => release(service, ALICE, { app: "notes", day }),
        () => exportLogs(service, ALICE, { app: "notes", day }),
        () => reconciler.reconcile(ALICE),
        () => mendRestored(service, ALICE, { given: () => 0, holdsKeys: true }),
      ]
    ) assertEquals(await assertRejects(attempt, Refusal), unavailable);
    assertEquals(await listKeys(service.rotation, NOW), before);
  });
});

Deno.test("a restored store is mended with one action, with keys and without", async () => {
  await withKeys(async (service) => {
    const renewed = await mendRestored(service, ALICE, { given: () => 1, holdsKeys: true });
    assertEquals([...renewed].map(([app, { ended }]) => [app, ended]), [["notes", 4], ["vault", 4]]);
    assert([...renewed.values()].every(({ made }) => made.every(({ generation }) => generation === 2)));
    const without = await mendRestored(service, ALICE, { given: () => 0, holdsKeys: false });
    assertEquals([...without], []);
    const action = "restore the store from a backup";
    assertEquals(await written(service.auditLog), [...entriesOf(1, action), ...entriesOf(3, action)]);
  });
});

Deno.test("a store is not mended where that leaves clients without tokens, or does not go on as it was told", async () => {
  await withKeys(async (service) => {
    const before = await listKeys(service.rotation, NOW);
    const given = (_app: string, epoch: number) => epoch === EPOCH ? 2 : 0;
    const another = { first: 1, before: new Uint8Array(32), leaves: [new Uint8Array(32)] };
    const orders = [
      { given, holdsKeys: true },
      { given: () => 0, holdsKeys: true, published: new Map([["notes", another]]) },
      { given: () => 0, holdsKeys: true, published: new Map([["nobody", another]]) },
    ];
    for (const order of orders) {
      assertEquals(
        (await assertRejects(() => mendRestored(service, ALICE, order), Refusal)).code,
        "replacement_refused",
      );
      assertEquals(await listKeys(service.rotation, NOW), before);
    }
    const renewed = await mendRestored(service, ALICE, { given, holdsKeys: true, evenWithoutTokens: true });
    // Only the epoch whose generations are used up is closed.
    assertEquals(renewed.get("notes")?.made.map(({ generation }) => generation), [3, 1, 1, 1]);
  });
});

Deno.test("export, release and reconciliation are written down with the day that they are about", async () => {
  const releases = { budget: { epsilon: 7 }, queries: { opens: { event: "app_opened", epsilon: 1 } } };
  await withService(
    { config: configOf({ notes: { ...testApplication, releases } }) },
    async ({ service }) => {
      const day = dayOf(service.now());
      const chunks = await Array.fromAsync(await exportLogs(service, ALICE, { app: "notes", day }));
      assertEquals(concat(...chunks), new Uint8Array());
      assertEquals(await release(service, ALICE, { app: "notes", day }), { opens: "not over" });
      const early = await release(service, ALICE, { app: "notes", day, early: true });
      assertEquals(early, { opens: "published" });
      const reconciler = new Reconciler(service);
      const [first, second] = await Promise.all([reconciler.reconcile(ALICE), reconciler.reconcile(ALICE)]);
      assert(first.ok && first === second, "whoever asks while one runs gets its report");
      const texts = (await written(service.auditLog)).map((entry) => JSON.stringify(entry));
      const path = "/admin/v1/apps/notes";
      for (
        const [action, details] of [
          [`GET ${path}/logs/${formatDay(day)}`],
          [`POST ${path}/releases/${formatDay(day)}`, "{}"],
          [`POST ${path}/releases/${formatDay(day)}`, '{"early":true}'],
          ["POST /admin/v1/audit"],
        ] as const
      ) assert(texts.includes(JSON.stringify(entriesOf(0, action, details)[0])), action);
      // What was published stands there too, with its digest.
      assert(texts.some((text) => text.includes(`publish releases of notes of ${formatDay(day)}`)));
      assertEquals(texts.filter((text) => text.includes('"outcome":"done"')).length, 6);
    },
  );
});

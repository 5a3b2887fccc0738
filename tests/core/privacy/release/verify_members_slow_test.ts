import { assert, assertEquals } from "@std/assert";
import type { ReleaseQuery } from "../../../../core/config/release_types.ts";
import { type Chain, checkChain } from "../../../../core/operations/audit_chain.ts";
import { AuditLog } from "../../../../core/operations/audit_log.ts";
import { RELEASES } from "../../../../core/privacy/release/families.ts";
import { digestOf, sealStatement, statementOf, withEntry } from "../../../../core/privacy/release/proof.ts";
import { releaseDay } from "../../../../core/privacy/release/release.ts";
import { readReleases } from "../../../../core/privacy/release/rows.ts";
import {
  beyondProof,
  differencesOf,
  type ToldRelease,
} from "../../../../core/privacy/release/verify_release.ts";
import type { EventSchema } from "../../../../core/schema/event.ts";
import { describeReleases } from "../../../../routes/admin/release_documents.ts";
import { event } from "../../../support/privacy/monitored.ts";
import { DAY, NIGHT, releasing, type Sent, store, withReleases } from "../../../support/privacy/released.ts";

/** The last day of the pseudonym's week. */
const LAST = DAY + 6;
const PLATFORM = { type: "enum", values: ["linux", "darwin"] } as const;
const EVENTS: Record<string, EventSchema> = {
  start: event({ platform: PLATFORM, ms: { type: "bucket", edges: [10.5, 100] } }),
  crash: event({ platform: PLATFORM }),
  vote: event({ choice: { type: "enum", values: ["yes", "no"], localDp: { epsilon: 2, maxValues: 2 } } }),
};

/** A question of every kind, whose releases have every member that there is. */
const QUESTIONS: Record<string, ReleaseQuery> = {
  "of everybody": { event: "start", epsilon: 1 },
  "by a field": { event: "start", by: ["platform"], epsilon: 1 },
  "of a field of buckets": { event: "start", by: ["ms"], epsilon: 1 },
  "of buckets by another field": { event: "start", by: ["platform", "ms"], epsilon: 2 },
  "of selected cells": { event: "start", by: ["platform"], cells: "selected", epsilon: 2 },
  "of events, with Gaussian noise": { event: "start", by: ["platform"], rho: 0.1, eventsPerCell: 2 },
  "of rates": { event: "crash", among: "start", by: ["platform"], epsilon: 1 },
  "of rates in selected cells": {
    event: "crash",
    among: "start",
    by: ["platform"],
    cells: "selected",
    epsilon: 2,
  },
  "over the period": { event: "start", by: ["platform"], over: "period", epsilon: 1 },
  "of reports under local differential privacy": { event: "vote", of: "choice", epsilon: 1, threshold: 0 },
};

const SENT = Array.from({ length: 300 }, (_, index): Sent[] => {
  const person = `p-${index}`;
  const platform = index % 3 === 0 ? "darwin" : "linux";
  return [
    { person, name: "start", fields: { platform, ms: index % 3 } },
    { person, name: "vote", fields: { choice: index % 2 } },
    ...(index % 5 === 0 ? [{ person, name: "crash", fields: { platform } }] : []),
  ];
}).flat();

/** A release as a file keeps it, and the audit log; `before`: with the proof that an older version made. */
async function releaseOf(query: ReleaseQuery, before = false): Promise<{ told: ToldRelease; chain: Chain }> {
  let found: { told: ToldRelease; chain: Chain } | undefined;
  await withReleases(async (context, kv) => {
    const budget = query.rho === undefined ? { epsilon: 70 } : { rho: 7 };
    const app = releasing({ budget, queries: { q: query } }, { events: EVENTS });
    await store(kv, SENT, { day: LAST });
    const outcomes = await releaseDay(context, app, { day: LAST, nowSeconds: NIGHT + 6 * 86_400 });
    assertEquals(outcomes, { q: "published" });
    if (before) {
      const [release] = await readReleases(context.store, "app", LAST, LAST);
      const { statement: _, totals: __, quantiles: ___, ...statement } = statementOf(
        "app",
        release!,
        release!.method!,
      );
      const { salt } = sealStatement(statement, context.random);
      const digest = digestOf(statement, salt);
      await withEntry(context.auditLog, { app: "app", day: LAST, digests: { q: digest } }, async (entry) => {
        const { query: _, day: __, figures: ___, hidden: ____, ...row } = release!;
        await kv.set(RELEASES.key("app", LAST, "q", 0), { ...row, proof: { salt, digest, entry } });
      });
    }
    const releases = await readReleases(context.store, "app", LAST, LAST);
    const lines = new AuditLog(context.store, { random: context.random, now: () => NIGHT }).lines();
    const document = describeReleases({ app, releases, budgets: [] });
    found = {
      told: JSON.parse(JSON.stringify(document)).releases[0],
      chain: checkChain(await Array.fromAsync(lines)),
    };
  });
  return found!;
}

/** Every copy of a value in which one member is another one, is gone, or is there in addition, with its path. */
function* alterations(value: unknown, path = ""): Generator<[path: string, altered: unknown]> {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) {
      yield [`${path}[${index}] taken out`, value.toSpliced(index, 1)];
      for (const [at, altered] of alterations(one, `${path}[${index}]`)) {
        yield [at, value.with(index, altered)];
      }
    }
    yield [`${path}, with one more`, [...value, value.at(-1) ?? 1]];
    return;
  }
  if (typeof value === "object" && value !== null) {
    yield [`${path}, with a member more`, { ...value, more: 1 }];
    for (const [name, member] of Object.entries(value)) {
      yield [
        `${path}.${name} taken out`,
        Object.fromEntries(Object.entries(value).filter(([n]) => n !== name)),
      ];
      for (const [at, altered] of alterations(member, `${path}.${name}`)) {
        yield [at, { ...value, [name]: altered }];
      }
    }
    return;
  }
  if (typeof value === "number") yield [path, Number.isInteger(value) ? value + 1 : value * 1.0001];
  else if (typeof value === "string") yield [path, `${value}x`];
  else yield [path, value === null ? 0 : value === true ? false : true];
}

/** The alterations that are not named; what has no longer the shape of a release is told to be so by the tool. */
function unnoticed(told: ToldRelease, chain: Chain): string[] {
  const paths: string[] = [];
  for (const [path, altered] of alterations(told)) {
    try {
      if (differencesOf(altered as ToldRelease, { app: "app", chain }).length === 0) paths.push(path);
    } catch (error) {
      assert(error instanceof TypeError || error instanceof SyntaxError, String(error));
    }
  }
  return paths;
}

for (const [kind, query] of Object.entries(QUESTIONS)) {
  Deno.test(`every member of a release ${kind} that is altered, taken out or added is named`, async () => {
    const { told, chain } = await releaseOf(query);
    assert(told.figures.length > 0);
    assertEquals(query.of === undefined, told.totals !== undefined);
    assertEquals(differencesOf(told, { app: "app", chain }), []);
    assertEquals(unnoticed(told, chain), []);
  });
}

Deno.test("a release of a version whose proofs had no totals is verified but for them, and says so", async () => {
  const { told, chain } = await releaseOf(QUESTIONS["of buckets by another field"]!, true);
  assertEquals(differencesOf(told, { app: "app", chain }), []);
  assertEquals(Object.keys(beyondProof(told)), ["totals", "quantiles"]);
  const missed = unnoticed(told, chain);
  assert(missed.length > 0 && missed.every((path) => /^\.(totals|quantiles)/.test(path)), missed.join("\n"));
  // A release of now is none of before by leaving out what says so.
  const now = await releaseOf(QUESTIONS["of buckets by another field"]!);
  const { statement: _, ...proof } = now.told.proof!;
  assert(differencesOf({ ...now.told, proof }, { app: "app", chain: now.chain }).length > 0);
});

import { assertEquals, assertRejects } from "@std/assert";
import { StoreUnavailable } from "../../../../core/store/breaker.ts";
import type { Claim, Claims, Guard } from "../../../../core/store/claims.ts";
import { storeOver } from "../../../../core/store/deno_kv/open.ts";
import type { Write } from "../../../../core/store/port.ts";
import { type FaultyKv, faultyKv } from "../../../support/store/faulty_kv.ts";

/** A database with faults, what claims in it, and guards that hold. */
interface Bench {
  readonly kv: Deno.Kv;
  readonly faulty: FaultyKv;
  readonly claims: Claims;
  readonly guards: readonly [Guard, Guard, Guard];
}

async function withClaims(run: (bench: Bench) => Promise<void>): Promise<void> {
  const kv = await Deno.openKv(":memory:");
  const faulty = faultyKv(kv);
  const makeGuard = async (name: string): Promise<Guard> => {
    const key = ["guard", name];
    return { key, stamp: (await kv.set(key, true)).versionstamp };
  };
  try {
    await run({
      kv,
      faulty,
      claims: storeOver(faulty.kv, { deadlineMs: 60_000 }).claims,
      guards: [await makeGuard("a"), await makeGuard("b"), await makeGuard("c")],
    });
  } finally {
    kv.close();
  }
}

interface Named extends Claim {
  readonly name: string;
}

function claimOf(guard: Guard, name: string, value = 0): Named {
  return { key: ["claim", name], value: Uint8Array.of(value), guard, name };
}

/** One row, which says whose claims won. */
const namesOf = (winners: readonly Named[]): Write[] => [
  { type: "set", key: ["names"], value: new TextEncoder().encode(winners.map(({ name }) => name).join()) },
];

async function rowsOf(kv: Deno.Kv): Promise<[unknown, number[]][]> {
  const rows = await Array.fromAsync(kv.list<Uint8Array>({ prefix: ["claim"] }));
  return rows.map(({ key, value }) => [key[1], [...value]]);
}

const written = async (kv: Deno.Kv) => {
  const { value } = await kv.get<Uint8Array>(["names"]);
  return value === null ? undefined : new TextDecoder().decode(value);
};

/** What became of claims, in few words. */
async function claim(claims: Claims, group: readonly Named[]): Promise<string[]> {
  const outcomes = await claims.claimGroup(group, namesOf);
  assertEquals(outcomes.map(({ claim }) => claim), group);
  return outcomes.map((claimed) => claimed.is === "taken" ? `taken by ${claimed.value}` : claimed.is);
}

Deno.test("a group that can be had is claimed with all that goes with it, in one commit", () =>
  withClaims(async ({ kv, faulty, claims, guards: [a, b] }) => {
    const group = [claimOf(a, "x", 1), claimOf(b, "y", 2), claimOf(a, "z", 3)];
    assertEquals(await claim(claims, group), ["accepted", "accepted", "accepted"]);
    assertEquals(await rowsOf(kv), [["x", [1]], ["y", [2]], ["z", [3]]]);
    assertEquals([await written(kv), faulty.counts.commits], ["x,y,z", 1]);
    const rows = await kv.getMany([["names"], ["claim", "x"], ["claim", "z"]]);
    assertEquals(new Set(rows.map(({ versionstamp }) => versionstamp)).size, 1);
  }));

Deno.test("a claim that somebody else has is taken, with the value that stands there", () =>
  withClaims(async ({ kv, claims, guards: [a] }) => {
    await claim(claims, [claimOf(a, "x", 1)]);
    const group = [claimOf(a, "w", 2), claimOf(a, "x", 3)];
    assertEquals(await claim(claims, group), ["free", "taken by 1"]);
    assertEquals([await rowsOf(kv), await written(kv)], [[["x", [1]]], "x"]);
    assertEquals(await claim(claims, group.slice(0, 1)), ["accepted"]);
    // Whatever stands there.
    await kv.set(["claim", "v"], "text");
    assertEquals(await claim(claims, [claimOf(a, "v")]), ["taken by text"]);
  }));

Deno.test("a claim whose guard was deleted or written anew is over, unless somebody has it", () =>
  withClaims(async ({ kv, claims, guards: [a, b, c] }) => {
    await claim(claims, [claimOf(b, "x", 1)]);
    await kv.delete(b.key);
    await kv.set(c.key, true);
    const group = [claimOf(a, "v"), claimOf(b, "w"), claimOf(b, "x"), claimOf(c, "y")];
    assertEquals(await claim(claims, group), ["free", "guard_over", "taken by 1", "guard_over"]);
    assertEquals(await rowsOf(kv), [["x", [1]]]);
  }));

Deno.test("a commit that throws leaves the outcome unknown; to claim again finds what landed", () =>
  withClaims(async ({ kv, faulty, claims, guards: [a] }) => {
    const group = [claimOf(a, "x", 1), claimOf(a, "y", 2)];
    faulty.fault = (commit) => (["throw", "land and throw"] as const)[commit] ?? "none";
    for (const landed of [0, 2]) {
      const fault = await assertRejects(() => claim(claims, group), StoreUnavailable);
      assertEquals([fault.why, (await rowsOf(kv)).length], ["failed", landed]);
    }
    assertEquals(await claim(claims, group), ["taken by 1", "taken by 2"]);
  }));

Deno.test("a commit that landed and says that a check failed is found to have landed", () =>
  withClaims(async ({ faulty, claims, guards: [a] }) => {
    faulty.fault = () => "land and say no";
    assertEquals(await claim(claims, [claimOf(a, "x", 7)]), ["taken by 7"]);
  }));

Deno.test("a commit that says for no reason that a check failed leaves its claims free", () =>
  withClaims(async ({ kv, faulty, claims, guards: [a] }) => {
    faulty.fault = () => "say no";
    assertEquals(await claim(claims, [claimOf(a, "x")]), ["free"]);
    assertEquals([await rowsOf(kv), await written(kv)], [[], undefined]);
  }));

Deno.test("a read-back that fails leaves the outcome unknown", () =>
  withClaims(async ({ faulty, claims, guards: [a] }) => {
    await claim(claims, [claimOf(a, "x")]);
    faulty.readsThrow = true;
    await assertRejects(() => claim(claims, [claimOf(a, "x")]), StoreUnavailable);
  }));

Deno.test("the largest group that fits goes through, with claims that are all read back", () =>
  withClaims(async ({ claims, guards: [a, b] }) => {
    assertEquals([claims.fits(98, 2, 640 * 1024), claims.fits(98, 2, 640 * 1024 + 1)], [true, false]);
    assertEquals([claims.fits(99, 1, 0), claims.fits(99, 2, 0)], [true, false]);
    const group = Array.from({ length: 98 }, (_, at) => claimOf(at % 2 === 0 ? a : b, `${at}`, at));
    assertEquals(new Set(await claim(claims, group)), new Set(["accepted"]));
    assertEquals(await claim(claims, group), group.map((_, at) => `taken by ${at}`));
  }));

Deno.test("a store that finds the checks too many is asked for ten from then on", () =>
  withClaims(async ({ kv, faulty, claims, guards: [a, b] }) => {
    faulty.fault = () => "throw";
    faulty.message = "too many checks (max 10)";
    const group = Array.from({ length: 9 }, (_, at) => claimOf(at % 2 === 0 ? a : b, `${at}`, at));
    assertEquals(await claim(claims, group), group.map(() => "free"));
    assertEquals([claims.fits(8, 2, 0), claims.fits(9, 2, 0), await rowsOf(kv)], [true, false, []]);
    // Ten are not too many: then it is a fault like any other.
    await assertRejects(() => claim(claims, group.slice(0, 8)), StoreUnavailable);
    faulty.fault = () => "none";
    assertEquals(new Set(await claim(claims, group.slice(0, 8))), new Set(["accepted"]));
  }));

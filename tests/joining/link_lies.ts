import { assert, assertEquals } from "@std/assert";
import { chanceOf } from "./guessing.ts";
import { DIRECTORY_MARKS, type LyingTrial, MARKED, SCHEMA_MARKS, tryMark } from "./lying.ts";

/** What chance does once in a thousand trials. */
const RARE = 0.001;

/** Lets a service try, which must do no better than who guesses. */
async function assertGuessing(trial: LyingTrial): Promise<void> {
  const { right, targets } = await tryMark(trial);
  assert(chanceOf(right, targets) > RARE, `${right} of ${targets.length}`);
}

for (const [name, mark] of Object.entries(SCHEMA_MARKS)) {
  for (const mirror of [false, true]) {
    Deno.test(`a service that marks a pseudonym by ${name} in the schema${mirror ? ", beside a mirror," : ""} does not know its client by the next`, () =>
      assertGuessing({ mark, mirror, document: "schema", isNext: true }));
  }
}

for (const [name, mark] of Object.entries(DIRECTORY_MARKS)) {
  Deno.test(`a service that marks accounts by ${name} in the directory, beside a mirror, does not know their logs`, () =>
    assertGuessing({ mark, mirror: true, document: "keys", isNext: false }));
}

Deno.test("a service that marks accounts by a Date of its own in the directory does not know their logs without a mirror either", () =>
  assertGuessing({
    mark: DIRECTORY_MARKS["a Date of its own"]!,
    mirror: false,
    document: "keys",
    isNext: false,
  }));

Deno.test("the attacker is a real one: without a mirror a mark in the directory is read in the logs of its account", async () => {
  const mark = DIRECTORY_MARKS["how many uses a token has"]!;
  const { right, targets } = await tryMark({ mark, mirror: false, document: "keys", isNext: false });
  assert(chanceOf(right, targets) < 1e-4, `${right} of ${targets.length}`);
});

Deno.test("the attacker is a real one: a mark in the schema is read under the pseudonym to which it was told", async () => {
  const mark = SCHEMA_MARKS["granularity and suppressed fields"]!;
  const told = await tryMark({ mark, mirror: false, document: "schema", isNext: false });
  assertEquals([told.right, told.targets.length], [MARKED, MARKED]);
  const beside = await tryMark({ mark, mirror: true, document: "schema", isNext: false });
  // One of the marks is the honest schema.
  assertEquals([beside.right, beside.targets.length], [1, 1]);
});

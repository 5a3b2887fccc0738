import { assertEquals, assertRejects } from "@std/assert";
import { Evaluations } from "../../../core/acs/evaluations.ts";

/** A key whose suite gives each input back with a mark, counts how many came together, and fails on a zero. */
function keyOf(mark: number) {
  const batches: number[] = [];
  const evaluate = (_: Uint8Array, inputs: Uint8Array[]) => {
    batches.push(inputs.length);
    if (inputs.some(([first]) => first === 0)) throw new RangeError("Cannot evaluate a zero");
    return inputs.map((input) => Uint8Array.of(...input, mark));
  };
  return { key: { secretKey: new Uint8Array(32), voprf: { evaluate } }, batches };
}
const inputs = (count: number) => Array.from({ length: count }, (_, index) => Uint8Array.of(index + 1));

Deno.test("Evaluations computes together what arrives in one turn of the event loop, each with its own output", async () => {
  const { key, batches } = keyOf(7);
  const evaluations = new Evaluations();
  const later = async (input: Uint8Array) => {
    // Requests get this far at different depths of promises.
    for (let step = 0; step < input[0]!; step++) await Promise.resolve();
    return await evaluations.evaluate(key, input);
  };
  assertEquals(await Promise.all(inputs(5).map(later)), inputs(5).map(([first]) => Uint8Array.of(first!, 7)));
  assertEquals(batches, [5]);
  assertEquals(await evaluations.evaluate(key, Uint8Array.of(9)), Uint8Array.of(9, 7));
  assertEquals(batches, [5, 1]);
});

Deno.test("Evaluations keeps keys apart", async () => {
  const [one, two] = [keyOf(1), keyOf(2)];
  const evaluations = new Evaluations();
  const outputs = await Promise.all(
    inputs(4).map((input, index) => evaluations.evaluate(index % 2 === 0 ? one.key : two.key, input)),
  );
  assertEquals(outputs.map(([, mark]) => mark), [1, 2, 1, 2]);
  assertEquals([one.batches, two.batches], [[2], [2]]);
});

Deno.test("Evaluations fails none for another's sake", async () => {
  const { key } = keyOf(7);
  const evaluations = new Evaluations();
  const settled = await Promise.allSettled(
    [1, 0, 2].map((first) => evaluations.evaluate(key, Uint8Array.of(first))),
  );
  assertEquals(settled.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  await assertRejects(
    () => evaluations.evaluate(key, Uint8Array.of(0)),
    RangeError,
    "Cannot evaluate a zero",
  );
});

Deno.test("Evaluations computes at most 64 without a pause", async () => {
  const { key, batches } = keyOf(7);
  const evaluations = new Evaluations();
  const outputs = await Promise.all(inputs(150).map((input) => evaluations.evaluate(key, input)));
  assertEquals(outputs.map(([first]) => first), inputs(150).map(([first]) => first));
  assertEquals(batches, [64, 64, 22]);
});

/** The curve in WebAssembly as apps get it: in every runtime, from the packed file, and where it does not run. */
import { assertEquals } from "@std/assert";
import { RFC9497_VOPRF } from "../core/voprf/rfc9497_vectors.ts";
import { findRuntimes, makeProject, run } from "./runtimes.ts";

const PROGRAM = new URL("kernel.mjs", import.meta.url);
const runtimes = await findRuntimes();
const project = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));
await makeProject(project, [PROGRAM]);

const file = RFC9497_VOPRF.find(({ identifier }) => identifier === "ristretto255-SHA512");
const vector = file?.vectors.find(({ Batch }) => Batch === 2);
if (file === undefined || vector === undefined) throw new Error("RFC 9497 has a batch of ristretto255");
const known = {
  publicKey: file.pkSm,
  inputs: vector.Input.split(","),
  blinds: vector.Blind.split(","),
  blindedElements: vector.BlindedElement.split(","),
  evaluatedElements: vector.EvaluationElement.split(","),
  proof: vector.Proof.proof,
};
const outputs = vector.Output.split(",");

for (const { name, command, missing } of runtimes) {
  const runWith = async (amiss: string, flags: readonly string[] = []) => {
    const plan = JSON.stringify(known);
    const { isRelaxed, isFused, by, ...results } = JSON.parse(
      await run([...command, ...flags, "kernel.mjs", amiss, plan], project),
    );
    assertEquals(results, { outputs, refused: "VoprfError" });
    return { isRelaxed, isFused, by };
  };
  const kernelTest = (what: string, fn: () => Promise<void>) =>
    Deno.test({
      name: missing === undefined ? `${name}: ${what}` : `${name}: ${what}: not run, since ${missing}`,
      ignore: missing !== undefined,
      fn,
    });

  kernelTest(
    "the kernel takes over where relaxed SIMD rounds once, and JavaScript computes until then",
    async () => {
      const { isRelaxed, isFused, by } = await runWith("nothing");
      assertEquals(by, ["JavaScript", isFused ? "kernel" : "JavaScript"]);
      // Node 20 has none, Node 22 and later have it: so each of both is tried. Bun's rounds twice on x86-64.
      if (name.startsWith("Node")) assertEquals(isRelaxed, name !== "Node 20");
    },
  );

  kernelTest("JavaScript computes where there is no WebAssembly", async () => {
    assertEquals((await runWith("no WebAssembly")).by, ["JavaScript", "JavaScript"]);
  });

  kernelTest("JavaScript takes over from a kernel that traps, and keeps what it took", async () => {
    const { isFused, by } = await runWith("a trap");
    const first = isFused ? "kernel" : "JavaScript";
    assertEquals(by, ["JavaScript", first, "JavaScript", "JavaScript"]);
  });

  kernelTest("JavaScript decides what a kernel refuses, and takes over from one that is wrong", async () => {
    const { isFused, by } = await runWith("a refusal");
    assertEquals(by, ["JavaScript", isFused ? "kernel" : "JavaScript", "JavaScript"]);
  });

  if (name === "Node 20" || !name.startsWith("Node") || Deno.build.arch !== "x86_64") continue;
  kernelTest("JavaScript computes on a CPU that rounds twice", async () => {
    const { isRelaxed, isFused, by } = await runWith("nothing", ["--no-enable-fma3"]);
    assertEquals([isRelaxed, isFused], [true, false]);
    assertEquals(by, ["JavaScript", "JavaScript"]);
  });
}

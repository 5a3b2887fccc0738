import { assertEquals } from "@std/assert";
import { RFC9497_VOPRF, type SuiteVectors } from "./rfc9497_vectors.ts";
import { allSuites, scriptedRandom } from "./suites.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex);
const list = (joined: string) => joined.split(",").map(bytes);
const hex = (elements: Uint8Array[]) => elements.map((element) => element.toHex()).join(",");

/** Runs every vector of a file on every implementation of its suite. */
function conformanceTests(source: string, files: readonly SuiteVectors[]): void {
  for (const { label, suite } of allSuites) {
    const file = files.find(({ identifier, mode }) => identifier === suite.name && mode === 1);
    if (file === undefined) throw new Error(`${source} has no vectors of ${suite.name} in mode 1`);
    const keys = { secretKey: bytes(file.skSm), publicKey: bytes(file.pkSm) };

    Deno.test(`${label}: deriveKeyPair() gives the key of ${source}`, () => {
      const derived = suite.deriveKeyPair(bytes(file.seed), bytes(file.keyInfo));
      assertEquals(derived.secretKey.toHex(), file.skSm);
      assertEquals(derived.publicKey.toHex(), file.pkSm);
    });

    file.vectors.forEach((vector, index) => {
      const name = `vector ${index + 1} (batch of ${vector.Batch}) of ${source}`;
      const inputs = list(vector.Input);

      Deno.test(`${label}: blind() gives the blinds and blinded elements of ${name}`, () => {
        const blinded = suite.blind(inputs, scriptedRandom(suite, list(vector.Blind)));
        assertEquals(hex(blinded.blinds), vector.Blind);
        assertEquals(hex(blinded.blindedElements), vector.BlindedElement);
      });

      Deno.test(`${label}: blindEvaluate() gives the evaluations and the proof of ${name}`, () => {
        const random = scriptedRandom(suite, [bytes(vector.Proof.r)]);
        const evaluated = suite.blindEvaluate(keys, list(vector.BlindedElement), random);
        assertEquals(hex(evaluated.evaluatedElements), vector.EvaluationElement);
        assertEquals(evaluated.proof.toHex(), vector.Proof.proof);
      });

      Deno.test(`${label}: finalize() accepts the proof and gives the outputs of ${name}`, () => {
        const outputs = suite.finalize({
          inputs,
          blinds: list(vector.Blind),
          blindedElements: list(vector.BlindedElement),
          evaluatedElements: list(vector.EvaluationElement),
          publicKey: keys.publicKey,
          proof: bytes(vector.Proof.proof),
        });
        assertEquals(hex(outputs), vector.Output);
      });

      Deno.test(`${label}: evaluate() gives the outputs of ${name}`, () => {
        assertEquals(hex(suite.evaluate(keys.secretKey, inputs)), vector.Output);
      });
    });
  }
}

conformanceTests("RFC 9497", RFC9497_VOPRF);

/** The CFRG's complete file, kept outside of the repository. */
const cfrgFile = new URL("../../../../shared/vectors/rfc9497.json", import.meta.url);
let cfrg: string | undefined;
try {
  cfrg = Deno.readTextFileSync(cfrgFile);
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
if (cfrg !== undefined) {
  conformanceTests("the CFRG file", JSON.parse(cfrg));
} else {
  Deno.test({
    name:
      "the CFRG file: not run, since ../shared/vectors/rfc9497.json is not there (the RFC's own values ran)",
    ignore: true,
    fn: () => {},
  });
}

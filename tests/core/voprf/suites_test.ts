import { assertEquals } from "@std/assert";
import { clientRistretto255 } from "../../../core/voprf/noble_client.ts";
import { loadSuites } from "../../../core/voprf/load.ts";
import { DEFAULT_SUITE, SUITE_NAMES, suiteOfType, SUITES } from "../../../core/voprf/suites.ts";
import { seededRandom } from "./suites.ts";

Deno.test("SUITES has the lengths of what each suite computes, and the type of its tokens", async () => {
  const suites = await loadSuites(() => {});
  for (const name of SUITE_NAMES) {
    const suite = suites(name);
    const { tokenType, elementLength, scalarLength, outputLength } = suite;
    assertEquals([suite.name, { tokenType, elementLength, scalarLength, outputLength }], [
      name,
      SUITES[name],
    ]);
    const random = seededRandom(name);
    const keys = suite.generateKeyPair(random);
    const { blinds: [blind], blindedElements } = suite.blind([new Uint8Array(98)], random);
    const { evaluatedElements: [element], proof } = suite.blindEvaluate(keys, blindedElements, random);
    assertEquals([keys.publicKey.length, element?.length], [elementLength, elementLength]);
    assertEquals([keys.secretKey.length, blind?.length, proof.length / 2], Array(3).fill(scalarLength));
    assertEquals(suite.evaluate(keys.secretKey, [new Uint8Array(98)])[0]?.length, outputLength);
    assertEquals(suiteOfType(tokenType), SUITES[name]);
  }
  assertEquals(suiteOfType(0x0002), undefined);
});

Deno.test("the default suite is the one that clients ship", () => {
  assertEquals(SUITE_NAMES[0], DEFAULT_SUITE);
  assertEquals(clientRistretto255.tokenType, SUITES[DEFAULT_SUITE].tokenType);
});

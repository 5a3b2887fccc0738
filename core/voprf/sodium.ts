/**
 * ristretto255-SHA512 (RFC 9497, section 4.1) on libsodium in WebAssembly: what the server runs. It gives bit for bit
 * what noble.ts gives, and refuses the same with the same words.
 *
 * @module
 */
import { concat, lengthPrefixed, u16, utf8 } from "../base/bytes.ts";
import {
  checkBatch,
  checkElementLength,
  checkInputs,
  checkProofLength,
  checkSeed,
  identityElement,
  itemAt,
  malformedElement,
  malformedSecretKey,
  proofRefused,
} from "./checks.ts";
import { type Bytes, loadRistretto255, type Ristretto255 } from "./libsodium.ts";
import type { RandomSource } from "../base/random.ts";
import { type KeyPair, type Suite, VoprfError } from "./suite.ts";
import { SUITES } from "./suites.ts";

/** The order of the group (RFC 9496, section 4.4). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** Bytes of randomness in one scalar: 128 bits more than the order has, so that the reduction shows no bias. */
const RANDOM_SCALAR_LENGTH = 48;

const NAME = "ristretto255-SHA512";

/** contextString of RFC 9497, section 3.1, for mode 0x01. */
const CONTEXT = concat(utf8("OPRFV1-"), Uint8Array.of(0x01), utf8(`-${NAME}`));

/** DST_prime of expand_message_xmd (RFC 9380, section 5.3.1): the domain separation tag, then its length. */
function domain(label: string): Uint8Array {
  const tag = concat(utf8(label), CONTEXT);
  return concat(tag, Uint8Array.of(tag.length));
}
const HASH_TO_GROUP = domain("HashToGroup-");
const HASH_TO_SCALAR = domain("HashToScalar-");
const DERIVE_KEY_PAIR = domain("DeriveKeyPair");
const SEED_PREFIX = lengthPrefixed(concat(utf8("Seed-"), CONTEXT));

const COMPOSITE = utf8("Composite");
const CHALLENGE = utf8("Challenge");
const FINALIZE = utf8("Finalize");
/** Length prefixes of what this suite hashes: 32 bytes of an element, 64 of a seed. */
const LENGTH_32 = u16(32);
const LENGTH_64 = u16(64);

/** The constants around a message in expand_message_xmd with SHA-512 to 64 bytes: one block of output, so b_1 only. */
const Z_PAD = new Uint8Array(128);
const LENGTH_OUT = Uint8Array.of(0, 64, 0);
const BLOCK_ONE = Uint8Array.of(1);

/**
 * RandomScalar (section 2.1): a wide number modulo (order - 1), plus one, so that it is never zero. noble's
 * `mapHashToField` does the same; importing it for this alone would slow a cold start.
 */
function randomScalar(random: RandomSource): Uint8Array {
  const wide = BigInt("0x" + random(RANDOM_SCALAR_LENGTH).toReversed().toHex());
  const scalar = wide % (ORDER - 1n) + 1n;
  return Uint8Array.fromHex(scalar.toString(16).padStart(64, "0")).reverse();
}

/** A result of arguments that were checked or computed here, of which the group refuses none. */
function computed(result: Bytes | undefined): Bytes {
  if (result === undefined) throw new Error("Cannot compute: the group refused what it had let through");
  return result;
}

/** Makes the {@linkcode Suite} over a loaded group. */
export function sodiumSuite(group: Ristretto255): Suite {
  function expand(message: Uint8Array[], dst: Uint8Array): Uint8Array {
    const b0 = group.sha512(Z_PAD, ...message, LENGTH_OUT, dst);
    return group.sha512(b0, BLOCK_ONE, dst);
  }

  const hashToGroup = (input: Uint8Array) => group.fromUniform(expand([input], HASH_TO_GROUP));
  const hashToScalar = (...message: Uint8Array[]) => group.scalarReduce(expand(message, HASH_TO_SCALAR));
  const finalizeHash = (input: Uint8Array, unblinded: Uint8Array) =>
    group.sha512(u16(input.length), input, LENGTH_32, unblinded, FINALIZE);

  function checkElement(element: Uint8Array): void {
    checkElementLength(element, 32);
    if (group.isElement(element)) return;
    throw element.every((byte) => byte === 0) ? identityElement() : malformedElement();
  }

  function checkSecretKey(secretKey: Uint8Array): void {
    if (!group.isNonzeroScalar(secretKey)) throw malformedSecretKey();
  }

  /** A product of a nonzero scalar and an element that was checked or computed here. */
  function product(scalar: Uint8Array, element: Uint8Array): Uint8Array {
    const result = group.multiply(scalar, element);
    // Only if a hash led to the identity, which takes 2^252 tries.
    if (result === undefined) throw new VoprfError("Cannot use input: it leads to the identity");
    return result;
  }

  const sum = (a: Uint8Array, b: Uint8Array) => computed(group.add(a, b));
  const multipleOfBase = (scalar: Uint8Array) => computed(group.multiplyBase(scalar));

  /** The weights d_i of ComputeComposites (section 2.2.1). Elements enter in the encoding that they arrived in. */
  function weights(publicKey: Uint8Array, blinded: Uint8Array[], evaluated: Uint8Array[]): Uint8Array[] {
    const seed = group.sha512(LENGTH_32, publicKey, SEED_PREFIX);
    return blinded.map((element, index) =>
      hashToScalar(
        LENGTH_64,
        seed,
        u16(index),
        LENGTH_32,
        element,
        LENGTH_32,
        itemAt(evaluated, index),
        COMPOSITE,
      )
    );
  }

  /**
   * The sum of weighted elements, one multiplication and one addition each. noble's multi-scalar code loses for
   * small batches, and wins too little for large ones to pay for loading it (docs/measurements.md, "The curve").
   */
  function composite(scalars: Uint8Array[], elements: Uint8Array[]): Uint8Array {
    return scalars
      .map((scalar, index) => product(scalar, itemAt(elements, index)))
      .reduce((total, term) => sum(total, term));
  }

  function challenge(...elements: Uint8Array[]): Uint8Array {
    return hashToScalar(...elements.flatMap((element) => [LENGTH_32, element]), CHALLENGE);
  }

  /** VerifyProof (section 2.2.2) over elements that were checked; throws the refusal. */
  function verifyProof(
    publicKey: Uint8Array,
    blinded: Uint8Array[],
    evaluated: Uint8Array[],
    proof: Uint8Array,
  ): void {
    const c = proof.subarray(0, 32);
    const s = proof.subarray(32);
    // A proof with c = 0 or s = 0 is canonical but occurs with probability 2^-252 only, so it is a forgery.
    if (!group.isNonzeroScalar(c) || !group.isNonzeroScalar(s)) throw proofRefused();
    const scalars = weights(publicKey, blinded, evaluated);
    const m = composite(scalars, blinded);
    const z = composite(scalars, evaluated);
    const t2 = sum(multipleOfBase(s), product(c, publicKey));
    const t3 = sum(product(s, m), product(c, z));
    const expected = challenge(publicKey, m, z, t2, t3);
    if (!expected.every((byte, index) => byte === c[index])) throw proofRefused();
  }

  function deriveKeyPair(seed: Uint8Array, info: Uint8Array): KeyPair {
    checkSeed(seed, info);
    for (let counter = 0; counter <= 255; counter++) {
      const message = [seed, lengthPrefixed(info), Uint8Array.of(counter)];
      const secretKey = group.scalarReduce(expand(message, DERIVE_KEY_PAIR));
      const publicKey = group.multiplyBase(secretKey);
      if (publicKey !== undefined) return { secretKey, publicKey };
    }
    throw new Error("Cannot derive key pair: 256 hashes were zero");
  }

  return {
    name: NAME,
    ...SUITES[NAME],
    hashes: group,
    generateKeyPair: (random) => deriveKeyPair(random(32), new Uint8Array()),
    deriveKeyPair,
    blind(inputs, random) {
      checkInputs(inputs);
      const blinds = inputs.map(() => randomScalar(random));
      const blindedElements = inputs.map((input, index) =>
        product(itemAt(blinds, index), hashToGroup(input))
      );
      return { blinds, blindedElements };
    },
    blindEvaluate({ secretKey, publicKey }, blindedElements, random) {
      checkBatch(blindedElements);
      checkSecretKey(secretKey);
      checkElement(publicKey);
      // The multiplication decodes strictly by itself; only a failure is looked into.
      const evaluatedElements = blindedElements.map((element) => {
        checkElementLength(element, 32);
        const evaluated = group.multiply(secretKey, element);
        if (evaluated !== undefined) return evaluated;
        checkElement(element);
        throw malformedElement();
      });
      const m = composite(weights(publicKey, blindedElements, evaluatedElements), blindedElements);
      const z = product(secretKey, m);
      const r = randomScalar(random);
      const c = challenge(publicKey, m, z, multipleOfBase(r), product(r, m));
      const s = group.scalarSubtract(r, group.scalarMultiply(c, secretKey));
      return { evaluatedElements, proof: concat(c, s) };
    },
    finalize({ inputs, blinds, blindedElements, evaluatedElements, publicKey, proof }) {
      checkBatch(inputs, blinds, blindedElements, evaluatedElements);
      checkInputs(inputs);
      checkElement(publicKey);
      evaluatedElements.forEach(checkElement);
      checkProofLength(proof, 64);
      if (!blindedElements.every((element) => element.length === 32 && group.isElement(element))) {
        throw proofRefused();
      }
      if (!blinds.every(group.isNonzeroScalar)) throw proofRefused();
      verifyProof(publicKey, blindedElements, evaluatedElements, proof);
      return inputs.map((input, index) =>
        finalizeHash(
          input,
          product(computed(group.scalarInvert(itemAt(blinds, index))), itemAt(evaluatedElements, index)),
        )
      );
    },
    evaluate(secretKey, inputs) {
      checkSecretKey(secretKey);
      checkInputs(inputs);
      return inputs.map((input) => finalizeHash(input, product(secretKey, hashToGroup(input))));
    },
    checkElement,
  };
}

/**
 * Loads libsodium and gives the ristretto255 suite on it.
 * @throws {Error} If libsodium cannot load, or runs as plain JavaScript instead of WebAssembly.
 */
export async function loadSodiumSuite(): Promise<Suite> {
  return sodiumSuite(await loadRistretto255());
}

/**
 * ristretto255-SHA512 (RFC 9497, section 4.1) on a {@linkcode Kernel}, which computes batches: what servers run. It gives bit for bit
 * what noble.ts gives from the same scalars, and refuses the same with the same words.
 *
 * @module
 */
import { itemAt } from "../base/item_at.ts";
import { concat, equalPublic, fromHex, isZero, lengthPrefixed, u16, utf8 } from "../base/bytes.ts";
import type { SuiteHashes } from "../base/hmac.ts";
import {
  checkBatch,
  checkElementLength,
  checkInputs,
  checkProofLength,
  checkSeed,
  identityElement,
  malformedElement,
  malformedSecretKey,
  proofRefused,
} from "./checks.ts";
import type { Bytes, Kernel } from "./kernel/kernel.ts";
import type { RandomSource } from "../base/random.ts";
import { type KernelName, type KeyPair, type Suite, VoprfError } from "./suite.ts";
import { SUITES } from "./suites.ts";

/** The encoding of the generator (RFC 9496, appendix A.1). */
const GENERATOR = fromHex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76");
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

/** What came of arguments that were checked or computed here, of which the kernel refuses none. */
function computed<T>(result: T | undefined): T {
  if (result === undefined) throw new Error("Cannot compute: the kernel refused what it had let through");
  return result;
}

/** A product or a sum that goes on. It is the identity only if a hash led there, which takes 2^252 tries. */
function notIdentity<T extends Uint8Array>(element: T): T {
  if (isZero(element)) throw new VoprfError("Cannot use input: it leads to the identity");
  return element;
}

/** Makes the {@linkcode Suite} of a kernel with its name, and of what is hashed beside it. */
export function ristretto255Suite(kernelName: KernelName, kernel: Kernel, hashes: SuiteHashes): Suite {
  const { sha512 } = hashes;

  function expand(message: Uint8Array[], dst: Uint8Array): Bytes {
    const b0 = sha512(Z_PAD, ...message, LENGTH_OUT, dst);
    return sha512(b0, BLOCK_ONE, dst);
  }

  /** The uniform bytes from which an input's element is derived. */
  const uniformOf = (input: Uint8Array) => expand([input], HASH_TO_GROUP);
  const hashToScalar = (...message: Uint8Array[]) => kernel.reduceScalar(expand(message, HASH_TO_SCALAR));

  function outputsOf(inputs: Uint8Array[], elements: Bytes[]): Uint8Array[] {
    return inputs.map((input, index) =>
      sha512(u16(input.length), input, LENGTH_32, notIdentity(itemAt(elements, index)), FINALIZE)
    );
  }

  /** Checks elements in the order of their batch, so that the first fault is the one that is named. */
  function checkElements(elements: Uint8Array[]): void {
    const ofLength = elements.filter(({ length }) => length === 32);
    const canonical = kernel.areElements(ofLength).values();
    for (const element of elements) {
      checkElementLength(element, 32);
      if (!canonical.next().value) throw malformedElement();
      if (isZero(element)) throw identityElement();
    }
  }

  /**
   * RandomScalar (section 2.1): a wide number modulo the order, by the kernel alone, for whoever learns bits of a proof's
   * scalar learns the secret key. Zero, which no one draws, is what a source that is broken gives.
   */
  function randomScalar(random: RandomSource): Bytes {
    const wide = new Uint8Array(64);
    wide.set(random(RANDOM_SCALAR_LENGTH));
    const scalar = kernel.reduceScalar(wide);
    wide.fill(0);
    if (isZero(scalar)) throw new Error("Cannot draw a scalar: the source of randomness gives zeros");
    return scalar;
  }

  function checkSecretKey(secretKey: Uint8Array): void {
    if (!kernel.isNonzeroScalar(secretKey)) throw malformedSecretKey();
  }

  /** The weights d_i of ComputeComposites (section 2.2.1). Elements enter in the encoding that they arrived in. */
  function weights(publicKey: Uint8Array, blinded: Uint8Array[], evaluated: Uint8Array[]): Bytes[] {
    const seed = sha512(LENGTH_32, publicKey, SEED_PREFIX);
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

  function challenge(...elements: Uint8Array[]): Bytes {
    return hashToScalar(...elements.flatMap((element) => [LENGTH_32, element]), CHALLENGE);
  }

  /** A sum of weighted elements that were checked or computed here. */
  const combine = (scalars: Uint8Array[], elements: Uint8Array[]) =>
    notIdentity(computed(kernel.combine(scalars, elements)));

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
    if (!kernel.isNonzeroScalar(c) || !kernel.isNonzeroScalar(s)) throw proofRefused();
    const scalars = weights(publicKey, blinded, evaluated);
    const m = combine(scalars, blinded);
    const z = combine(scalars, evaluated);
    const t2 = combine([s, c], [GENERATOR, publicKey]);
    const t3 = combine([s, c], [m, z]);
    if (!equalPublic(c, challenge(publicKey, m, z, t2, t3))) throw proofRefused();
  }

  /** k times each blinded element. The multiplication decodes strictly by itself; only a failure is looked into. */
  function evaluateBlinded(secretKey: Uint8Array, blinded: Uint8Array[]): Bytes[] {
    const evaluated = blinded.some((element) => element.length !== 32 || isZero(element))
      ? undefined
      : kernel.multiplyAll(secretKey, blinded);
    if (evaluated !== undefined) return evaluated;
    checkElements(blinded);
    throw malformedElement();
  }

  function deriveKeyPair(seed: Uint8Array, info: Uint8Array): KeyPair {
    checkSeed(seed, info);
    for (let counter = 0; counter <= 255; counter++) {
      const message = [seed, lengthPrefixed(info), Uint8Array.of(counter)];
      const secretKey = kernel.reduceScalar(expand(message, DERIVE_KEY_PAIR));
      if (!kernel.isNonzeroScalar(secretKey)) continue;
      return { secretKey, publicKey: itemAt(kernel.multiplyBase([secretKey]), 0) };
    }
    throw new Error("Cannot derive key pair: 256 hashes were zero");
  }

  return {
    name: NAME,
    kernel: kernelName,
    ...SUITES[NAME],
    hashes,
    generateKeyPair: (random) => deriveKeyPair(random(32), new Uint8Array()),
    deriveKeyPair,
    blind(inputs, random) {
      checkInputs(inputs);
      const blinds = inputs.map(() => randomScalar(random));
      const blindedElements = kernel.mapAndMultiplyEach(blinds, inputs.map(uniformOf)).map(notIdentity);
      return { blinds, blindedElements };
    },
    blindEvaluate({ secretKey, publicKey }, blindedElements, random) {
      checkBatch(blindedElements);
      checkSecretKey(secretKey);
      checkElements([publicKey]);
      const evaluatedElements = evaluateBlinded(secretKey, blindedElements);
      const m = combine(weights(publicKey, blindedElements, evaluatedElements), blindedElements);
      const r = randomScalar(random);
      const [z, t3] = computed(kernel.multiplyEach([secretKey, r], [m, m]));
      const [t2] = kernel.multiplyBase([r]);
      const c = challenge(publicKey, m, computed(z), computed(t2), computed(t3));
      return { evaluatedElements, proof: concat(c, kernel.subtractProduct(r, c, secretKey)) };
    },
    finalize({ inputs, blinds, blindedElements, evaluatedElements, publicKey, proof }) {
      checkBatch(inputs, blinds, blindedElements, evaluatedElements);
      checkInputs(inputs);
      checkElements([publicKey, ...evaluatedElements]);
      checkProofLength(proof, 64);
      try {
        checkElements(blindedElements);
      } catch (error) {
        throw error instanceof VoprfError ? proofRefused() : error;
      }
      if (!blinds.every((blind) => kernel.isNonzeroScalar(blind))) throw proofRefused();
      verifyProof(publicKey, blindedElements, evaluatedElements, proof);
      const elements = computed(kernel.multiplyEach(kernel.invertScalars(blinds), evaluatedElements));
      return outputsOf(inputs, elements);
    },
    evaluate(secretKey, inputs) {
      checkSecretKey(secretKey);
      checkInputs(inputs);
      return outputsOf(inputs, kernel.mapAndMultiplyAll(secretKey, inputs.map(uniformOf)));
    },
    checkElement: (element) => checkElements([element]),
  };
}

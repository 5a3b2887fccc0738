/**
 * What an instance has to show before it serves.
 *
 * @module
 */
import { fromHex, toHex } from "../../base/bytes.ts";
import type { KernelInstance } from "./instance.ts";

/** Its square is 1 + 2^-51 + 2^-104, of which a double loses the last term. */
const A = 1 + 2 ** -52;
const FUSED = 2 ** -104;

/** The generator (RFC 9496, appendix A.1). */
const GENERATOR = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
/** 15 times the generator (the last row there). */
const FIFTEEN_TIMES = "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e";
/** The order less one, as a scalar. */
const MINUS_ONE = "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

const scalar = (value: number) => Uint8Array.of(value, ...new Uint8Array(31));

const is = (result: Uint8Array | undefined, hex: string) => result !== undefined && toHex(result) === hex;

/** Why an instance cannot serve, or nothing. */
export function probe(kernel: KernelInstance): string | undefined {
  const zero = [0, 0];
  // Less 1 + 2^-51, that term is what is left, if the product was not rounded by itself. Each lane on its own.
  for (const lane of [0, 1]) {
    const one = zero.map((_, index) => index === lane ? 1 : 0);
    const a = one.map((value) => value * A);
    const result = kernel.multiplyAndAdd(a, a, one.map((value) => -value * (1 + 2 ** -51)));
    if (result[lane] !== FUSED || result[1 - lane] !== 0) {
      return "this CPU's multiply-and-add rounds twice (it is not fused)";
    }
  }
  const [fifteen, opposite] = kernel.multiplyBase([scalar(15), fromHex(MINUS_ONE)]);
  const known = kernel.multiplyAll(scalar(1), [fromHex(GENERATOR)]);
  if (!is(fifteen, FIFTEEN_TIMES) || !is(known?.[0], GENERATOR) || opposite === undefined) {
    return "the kernel's known answers are wrong";
  }
  const sum = kernel.combine([scalar(1), scalar(15)], [opposite, fromHex(GENERATOR)]);
  const [fourteen] = kernel.multiplyBase([scalar(14)]);
  if (fourteen === undefined || !is(sum, toHex(fourteen))) {
    return "the kernel's known sums are wrong";
  }
  return undefined;
}

/**
 * What an instance has to show before it serves.
 *
 * @module
 */
import type { KernelInstance } from "./instance.ts";

/** Numbers whose product has 106 bits: rounded before the addition, 1 of its last bit is lost. */
const A = 1 + 2 ** -52;
const FUSED = 2 ** -104;

/** -1, 0, 1 and l - 1 times the generator: RFC 9496, appendix A.1, and what follows from the order. */
const GENERATOR = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
/** 15 times the generator (appendix A.1, the last row). */
const FIFTEEN_TIMES = "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e";
/** The order less one. */
const MINUS_ONE = "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

const bytes = (hex: string) => Uint8Array.fromHex(hex);
const scalar = (value: number) => Uint8Array.of(value, ...new Uint8Array(31));

/** Why an instance cannot serve, or nothing. */
export function probe(kernel: KernelInstance): string | undefined {
  const zero = [0, 0];
  // (1 + e)^2 - (1 + 2e) is e^2 if only the sum is rounded, and 0 if the product is rounded first. Each lane by itself.
  for (const lane of [0, 1]) {
    const one = zero.map((_, index) => index === lane ? 1 : 0);
    const a = one.map((value) => value * A);
    const result = kernel.multiplyAndAdd(a, a, one.map((value) => -value * (1 + 2 ** -51)));
    if (result[lane] !== FUSED || result[1 - lane] !== 0) {
      return "this CPU's multiply-and-add rounds twice (it is not fused)";
    }
  }
  const [fifteen, opposite] = kernel.multiplyBase([scalar(15), bytes(MINUS_ONE)]);
  const known = kernel.multiplyAll(scalar(1), [bytes(GENERATOR)]);
  if (fifteen?.toHex() !== FIFTEEN_TIMES || known?.[0]?.toHex() !== GENERATOR || opposite === undefined) {
    return "the kernel's known answers are wrong";
  }
  const sum = kernel.combine([scalar(1), scalar(15)], [opposite, bytes(GENERATOR)]);
  const fourteen = kernel.multiplyBase([scalar(14)]);
  if (sum === undefined || sum.toHex() !== fourteen[0]?.toHex()) {
    return "the kernel's known sums are wrong";
  }
  return undefined;
}

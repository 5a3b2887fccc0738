/**
 * Compiles the kernel, and lets it serve only after a probe on the very instance.
 *
 * @module
 */
import { BASE64 } from "./binary.ts";
import { KernelInstance } from "./instance.ts";
import type { LoadedKernel } from "./kernel.ts";
import { probe } from "./probe.ts";

/** The bytes of base64. Runtimes of clients may be older than the function for it. */
function decode(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 }: { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> } = Uint8Array;
  return fromBase64?.(text) ?? Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
}

/**
 * Compiles, probes and gives an instance of the kernel; one a call.
 * @returns The kernel; or the reason why it cannot run here: no WebAssembly with relaxed SIMD, no fused multiply-add,
 * a wrong answer. It never throws.
 *
 * @example
 * ```ts
 * const { kernel, reason } = await loadKernel();
 * if (kernel === undefined) console.warn(reason);
 * ```
 */
export async function loadKernel(): Promise<LoadedKernel> {
  try {
    const binary = decode(BASE64);
    if (!WebAssembly.validate(binary)) return { reason: "WebAssembly here has no relaxed SIMD" };
    const { instance } = await WebAssembly.instantiate(binary);
    const kernel = new KernelInstance(instance);
    const reason = probe(kernel);
    return reason === undefined ? { kernel } : { reason };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

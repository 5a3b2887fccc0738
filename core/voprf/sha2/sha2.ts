/**
 * SHA-512 and HMAC-SHA-256 in WebAssembly of our own (generator/build.ts): what servers hash tokens and MACs with. A message of a
 * few hundred bytes costs less than the call into a native library does, and no library has to be loaded for it.
 *
 * @module
 */
import type { SuiteHashes } from "../../base/hmac.ts";
import { BASE64, LAYOUT } from "./binary.ts";

const { OUTPUT, KEY, MESSAGE, MESSAGE_LENGTH } = LAYOUT;
const KEY_LENGTH = 32;

/** The module's exports. Lengths are bytes. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  sha512(length: number): void;
  hmacSha256(length: number): void;
  /** Overwrites all that came of a message of a length. */
  wipe(length: number): void;
}

/**
 * An instance of the module.
 * @throws {Error} Where WebAssembly does not run.
 */
export function loadSha2(): SuiteHashes {
  const module = new WebAssembly.Module(Uint8Array.fromBase64(BASE64));
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  // The memory never grows, so that this view stays.
  const memory = new Uint8Array(exports.memory.buffer as ArrayBuffer);

  /** Copies a message in; its length. */
  function put(parts: Uint8Array[]): number {
    let end: number = MESSAGE;
    for (const part of parts) {
      if (end + part.length > MESSAGE + MESSAGE_LENGTH) {
        throw new RangeError("Cannot hash: the message is too long");
      }
      memory.set(part, end);
      end += part.length;
    }
    return end - MESSAGE;
  }

  /** Copies a result out and leaves nothing of the message, the key and the result behind. */
  function take(resultLength: number, length: number): Uint8Array<ArrayBuffer> {
    const result = memory.slice(OUTPUT, OUTPUT + resultLength);
    exports.wipe(length);
    return result;
  }

  return {
    sha512(...parts) {
      const length = put(parts);
      exports.sha512(length);
      return take(64, length);
    },
    hmacSha256(secret, ...parts) {
      if (secret.length !== KEY_LENGTH) {
        throw new RangeError(`Cannot hash: a key of ${secret.length} bytes is not one of ${KEY_LENGTH}`);
      }
      const length = put(parts);
      memory.set(secret, KEY);
      exports.hmacSha256(length);
      return take(32, length);
    },
  };
}

const scratch = new Uint8Array(4);
const view = new DataView(scratch.buffer);

/** The four bytes of a u32, in one buffer that the next call overwrites: for hashing millions of them. */
export function numberBytes(value: number): Uint8Array {
  view.setUint32(0, value);
  return scratch;
}

/**
 * A connection that is kept for several requests: its bytes go out as a test has them, and its answers are taken apart
 * one after another.
 *
 * @module
 */
import { concat } from "../../../core/base/bytes.ts";
import { present } from "../base/present.ts";

/** An answer of a kept connection. */
export interface KeptAnswer {
  readonly status: number;
  /** Its status line, header fields but the date, and body, in Latin-1. */
  readonly text: string;
  /** Its body, in Latin-1. */
  readonly body: string;
}

const GIVE_UP_MS = 60_000;
const END_OF_FIELDS = new TextEncoder().encode("\r\n\r\n");

/** A connection to a port of this machine. */
export class KeptConnection {
  readonly #connection: Deno.TcpConn;
  readonly #giveUp: ReturnType<typeof setTimeout>;
  #received = new Uint8Array();
  #isOpen = true;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#giveUp = setTimeout(() => this.close(), GIVE_UP_MS);
  }

  /** Connects. */
  static async to(port: number): Promise<KeptConnection> {
    return new KeptConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends bytes; false where the other side takes no more. */
  async send(bytes: Uint8Array): Promise<boolean> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
      return true;
    } catch {
      return false;
    }
  }

  /** Says that no more will be sent. What was answered can still be read. */
  async endSending(): Promise<void> {
    await this.#connection.closeWrite().catch(() => {});
  }

  /** Reads the next final answer; undefined where the connection ended without one. */
  async answer(): Promise<KeptAnswer | undefined> {
    const fieldsEnd = await this.#until(() => {
      const at = indexOf(this.#received, END_OF_FIELDS);
      return at === -1 ? undefined : at + END_OF_FIELDS.length;
    });
    if (fieldsEnd === undefined) return undefined;
    const fields = this.#take(fieldsEnd);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(fields)?.[1]);
    if (!(status >= 100)) throw new Error(`What came is no answer: ${fields}`);
    if (status < 200) return await this.answer();
    const length = Number(present(/^content-length: (\d+)\r$/im.exec(fields))[1]);
    const bodyEnd = await this.#until(() => this.#received.length >= length ? length : undefined);
    if (bodyEnd === undefined) throw new Error(`An answer ended in its body: ${fields}`);
    const body = this.#take(bodyEnd);
    return { status, text: fields.replace(/^date: .*\r\n/im, "") + body, body };
  }

  /** Ends it. */
  close(): void {
    clearTimeout(this.#giveUp);
    if (this.#isOpen) this.#connection.close();
    this.#isOpen = false;
  }

  /** Reads until something is there; undefined where the other side ends, resets, or is silent for a minute. */
  async #until<T>(find: () => T | undefined): Promise<T | undefined> {
    const buffer = new Uint8Array(16 * 1024);
    while (true) {
      const found = find();
      if (found !== undefined) return found;
      const length = await this.#connection.read(buffer).catch((error) => {
        if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
          return null;
        }
        throw error;
      });
      if (length === null) return undefined;
      this.#received = concat(this.#received, buffer.subarray(0, length));
    }
  }

  #take(length: number): string {
    const taken = new TextDecoder("latin1").decode(this.#received.subarray(0, length));
    this.#received = this.#received.slice(length);
    return taken;
  }
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

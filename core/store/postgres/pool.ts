/**
 * Connections to PostgreSQL, with what this engine needs of npm `pg`.
 *
 * @module
 */
import pg from "pg";

/** A row as `pg` gives it: numbers of 64 bits are texts. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<Row[]>;

/** How a transaction sees others. */
export type Isolation = "read committed" | "serializable";

/** What runs statements. */
export interface Session {
  /** One statement by itself, which is READ COMMITTED and prepared under its own text. */
  readonly query: Query;
  /** Several together; what `work` throws undoes them. A COMMIT that fails leaves its outcome unknown. */
  transaction<T>(isolation: Isolation, work: (query: Query) => Promise<T>): Promise<T>;
}

/** The part of a client of `pg` that is used. */
interface Client {
  query(config: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: Row[] }>;
  release(error?: Error | boolean): void;
}

/** How many connections, and how long each step may take, in milliseconds. */
export interface PoolOptions {
  readonly connections?: number;
  readonly statementMs?: number;
  readonly connectMs?: number;
}

/** Connections of one process. */
const CONNECTIONS = 10;
/** The server gives a statement up after so long; the store's own deadline is shorter. */
const STATEMENT_MS = 10_000;
const CONNECT_MS = 5_000;

/** A pool of connections, which are opened when they are needed and again when they were lost. */
export class Pool implements Session {
  readonly #pool: {
    connect(): Promise<Client>;
    end(): Promise<void>;
    on(name: "error", listener: () => void): void;
  };
  /** A name for each text: `pg` prepares a named statement once a connection. */
  readonly #names = new Map<string, string>();

  /** Opens nothing yet. */
  constructor(url: string, options: PoolOptions = {}) {
    const { connections = CONNECTIONS, statementMs = STATEMENT_MS, connectMs = CONNECT_MS } = options;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: connectMs,
      statement_timeout: statementMs,
      // A server that is gone without a word is noticed even where nothing is sent.
      keepAlive: true,
      application_name: "dit",
    });
    // One that breaks while nobody uses it is replaced at the next use; without a listener it would end the process.
    this.#pool.on("error", () => {});
  }

  readonly query: Query = (text, values) =>
    this.#with(async (client) => (await client.query(this.#prepared(text, values))).rows);

  transaction<T>(isolation: Isolation, work: (query: Query) => Promise<T>): Promise<T> {
    return this.#with(async (client) => {
      await client.query({ text: `begin isolation level ${isolation}` });
      try {
        const result = await work(async (text, values) =>
          (await client.query(this.#prepared(text, values))).rows
        );
        await client.query({ text: "commit" });
        return result;
      } catch (error) {
        await client.query({ text: "rollback" }).catch(() => {});
        throw error;
      }
    });
  }

  /** Closes it; what is under way ends first. */
  close(): void {
    this.#pool.end().catch(() => {});
  }

  #prepared(text: string, values: readonly unknown[] | undefined) {
    if (values === undefined) return { text };
    const name = this.#names.get(text) ?? `dit_${this.#names.size}`;
    this.#names.set(text, name);
    return { name, text, values: [...values] };
  }

  async #with<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      // Of what the server itself has said it is well; a connection that failed otherwise is not used again.
      if (sqlState(error) === undefined) broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

/** The SQLSTATE with which the server refused a statement; undefined where it was not the server. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

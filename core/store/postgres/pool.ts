/**
 * Connections to PostgreSQL, with what this engine needs of npm `pg`: to the one server among several that takes writes,
 * each given up when its server no longer does or answers nothing.
 *
 * @module
 */
import pg from "pg";
import { breaksConnection, isUnreachable, losesServer } from "./errors.ts";
import { NotPrimary, Primary } from "./primary.ts";
import { settle } from "./session_settings.ts";
import { type ReadText, sslOf } from "./tls.ts";
import { type Address, readAddress, type Server } from "./url.ts";

export { sqlState } from "./errors.ts";

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
  connect(): Promise<unknown>;
  query(config: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: Row[] }>;
  end(): Promise<void>;
  readonly connection: { readonly stream: { destroy(): void } };
  release(error?: Error | boolean): void;
  on(name: "error", listener: () => void): void;
  on(name: "notice", listener: (notice: { readonly routine?: string }) => void): void;
}

/** The part of a pool of `pg` that is used. */
interface Clients {
  connect(): Promise<Client>;
  end(): Promise<void>;
  on(name: "error", listener: () => void): void;
  on(name: "connect", listener: (client: Client) => void): void;
}

/** How many connections, and how long each step may take, in milliseconds. */
export interface PoolOptions {
  readonly connections?: number;
  readonly statementMs?: number;
  /** Until a connection is made and its server has said what it is. */
  readonly connectMs?: number;
  /** Whether the server is to refuse every write. */
  readonly readOnly?: boolean;
  /** Reads the files of certificates that the URL names; without it none can be read. */
  readonly readText?: ReadText;
}

/** Connections of one process. */
const CONNECTIONS = 10;
/** The server gives a statement up after so long; the store's own deadline is shorter. */
const STATEMENT_MS = 10_000;
const CONNECT_MS = 5_000;
/** So much later is a statement given up here: its server is stopped, or is not reached any more. */
const OVERDUE_MS = 1_000;
/** The server's function that stops waiting for a standby where somebody cancels that; the commit is then on one disk. */
const STANDBY_NOT_AWAITED = "SyncRepWaitForLSN";

/** A pool of connections, which are opened when they are needed and again when they were lost. */
export class Pool implements Session {
  readonly #address: Address;
  readonly #needsPrimary: boolean;
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #primary: Primary;
  readonly #connectMs: number;
  #open: { readonly server: Server; readonly clients: Clients } | undefined;
  /** A name for each text: `pg` prepares a named statement once a connection. */
  readonly #names = new Map<string, string>();
  /** Connections whose last commit no standby may have. */
  readonly #doubtful = new WeakSet<Client>();

  /** Opens nothing yet. Throws `StoreOpenError` if it is no URL, or a file that it names cannot be read. */
  constructor(url: string, options: PoolOptions = {}) {
    const { connections = CONNECTIONS, statementMs = STATEMENT_MS, connectMs = CONNECT_MS } = options;
    this.#connectMs = connectMs;
    this.#address = readAddress(url);
    // A standby that took the service in would answer it with what was, and no commit of it.
    this.#needsPrimary = options.readOnly !== true;
    const { user, password, database, tls, settings, poolsTransactions } = this.#address;
    // A pooler knows no options of a session: behind one it is the standby alone that refuses.
    const readOnly = options.readOnly === true && !poolsTransactions;
    this.#config = {
      application_name: "dit",
      ...settings,
      ...readOnly ? { options: `${settings.options ?? ""} -c default_transaction_read_only=on`.trim() } : {},
      user,
      password,
      database,
      ssl: sslOf(tls, options.readText ?? noFile),
      max: connections,
      connectionTimeoutMillis: connectMs,
      query_timeout: statementMs + OVERDUE_MS,
      // A pooler refuses what it does not know; docs/postgresql.md sets both for the role.
      ...poolsTransactions ? {} : {
        statement_timeout: statementMs,
        // A process that stops in the middle of a transaction keeps its locks no longer.
        idle_in_transaction_session_timeout: statementMs,
      },
      // A server that is gone without a word is noticed even where nothing is sent.
      keepAlive: true,
      onConnect: (client: Client) => this.#begin(client, () => this.#settle(client)),
    };
    this.#primary = new Primary(this.#address.servers, (server, over) => this.#probe(server, over));
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
        // A connection that is not used again takes the transaction with it.
        if (!breaksConnection(error)) await client.query({ text: "rollback" }).catch(() => {});
        throw error;
      }
    });
  }

  /** Closes it; what is under way ends first. */
  close(): void {
    this.#primary.close();
    this.#drop();
  }

  #prepared(text: string, values: readonly unknown[] | undefined) {
    if (values === undefined) return { text };
    // A statement that is prepared on one connection to the server is not there on the next.
    if (this.#address.poolsTransactions) return { text, values: [...values] };
    const name = this.#names.get(text) ?? `dit_${this.#names.size}`;
    this.#names.set(text, name);
    return { name, text, values: [...values] };
  }

  async #with<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const server = await this.#primary.find();
    let client: Client;
    try {
      client = await this.#clientsOf(server).connect();
    } catch (error) {
      if (isUnreachable(error)) this.#lose(server);
      throw error;
    }
    let broken: Error | undefined;
    try {
      const result = await work(client);
      if (this.#doubtful.has(client)) throw new Error("The commit may be on no standby.");
      return result;
    } catch (error) {
      if (breaksConnection(error)) broken = error as Error;
      if (losesServer(error)) this.#lose(server);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** The connections to a server; those to another one end with what they are doing. */
  #clientsOf(server: Server): Clients {
    if (this.#open?.server === server) return this.#open.clients;
    this.#drop();
    const clients: Clients = new pg.Pool({ ...this.#config, ...server });
    // One that breaks while nobody uses it is replaced at the next use; without a listener it would end the process.
    clients.on("error", () => {});
    clients.on("connect", (client) => {
      // Nor may one that breaks between two statements; whoever uses it learns of it at the next.
      client.on("error", () => {});
      client.on("notice", ({ routine }) => {
        if (routine === STANDBY_NOT_AWAITED) this.#doubtful.add(client);
      });
    });
    this.#open = { server, clients };
    return clients;
  }

  #lose(server: Server): void {
    if (this.#open?.server !== server) return;
    this.#drop();
    this.#primary.lost(server);
  }

  #drop(): void {
    this.#open?.clients.end().catch(() => {});
    this.#open = undefined;
  }

  async #probe(server: Server, over: AbortSignal): Promise<void> {
    const client: Client = new pg.Client({ ...this.#config, ...server });
    client.on("error", () => {});
    try {
      await this.#begin(client, async () => {
        await client.connect();
        await this.#settle(client);
      }, over);
    } finally {
      client.end().catch(() => {});
    }
  }

  /**
   * Does what a connection begins with, and breaks it off where that takes too long, or nobody wants to know any more: a
   * server may hang after any of its answers, and the time that a statement has is longer.
   */
  async #begin(client: Client, work: () => Promise<void>, over?: AbortSignal): Promise<void> {
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const giveUp = () => {
      client.connection.stream.destroy();
      reject(new Error("The server has not answered in time."));
    };
    const timer = setTimeout(giveUp, this.#connectMs);
    over?.addEventListener("abort", giveUp);
    try {
      await Promise.race([work(), givenUp]);
    } finally {
      clearTimeout(timer);
      over?.removeEventListener("abort", giveUp);
    }
  }

  /** Throws where a server has to take writes and does not, or its settings are not those that commits rest on. */
  async #settle(client: Client): Promise<void> {
    const { poolsTransactions } = this.#address;
    const run = async (text: string) => (await client.query({ text })).rows[0];
    const { takesWrites } = await settle(run, poolsTransactions ? "of transactions" : "of a session");
    if (this.#needsPrimary && !takesWrites) throw new NotPrimary();
  }
}

function noFile(): never {
  throw new Error("No file can be read here.");
}

/**
 * What a number of clients costs: pure arithmetic from the measured costs of one log and one token
 * (cli/capacity_costs.ts). docs/capacity.md explains the model.
 *
 * @module
 */
import { BODY_SIZES } from "../client/queue/padding.ts";
import { COSTS } from "./capacity_costs.ts";

/** What is to be carried. */
export interface Load {
  /** Clients that are active in a day. */
  readonly clients: number;
  /** Logs of a client a day. */
  readonly logs: number;
  /** Events of a log. */
  readonly events: number;
  /** Uses of a token, 1..1024. */
  readonly uses: number;
  /** Tokens of a request, 1..256. */
  readonly batch: number;
  /** Share of the clients that send, above 0 up to 1. */
  readonly sample: number;
  /** Regions with a store each, among which clients are spread evenly. */
  readonly regions: number;
  /** Days that records are kept. */
  readonly retention: number;
  /** How many times the mean the busiest second is. */
  readonly peak: number;
}

/** Where the store is. */
export type Target = "deploy" | "denokv" | "file";

/** What a load costs on a target. All amounts are of a day and of all regions together, unless they say otherwise. */
export interface Plan {
  readonly logs: number;
  readonly tokenRequests: number;
  readonly tokens: number;
  /** Tokens a client needs a day: its application's `tokensPerClient` must allow as many. */
  readonly tokensPerClient: number;
  /** Logs whose token had to be evaluated, since no process that got it held its key. */
  readonly evaluations: number;
  /** Cores that are busy on average, and at the peak. */
  readonly cores: number;
  readonly peakCores: number;
  /** Processes for the peak. */
  readonly processes: number;
  /** Logs of one commit, and commits that claim or grant; at the peak a second and region. */
  readonly group: number;
  readonly commits: number;
  readonly peakCommits: number;
  /** Rows set and deleted, rows read. */
  readonly writes: number;
  readonly reads: number;
  /** What Deno Deploy bills. */
  readonly writeUnits: number;
  readonly readUnits: number;
  /** Bytes added, and bytes kept at any time. */
  readonly addedBytes: number;
  readonly keptBytes: number;
  /** Bytes from and to clients, without TLS. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Dollars on Deno Deploy, by item. */
  readonly bill: Readonly<
    Record<"requests" | "write units" | "read units" | "storage" | "egress" | "CPU", number>
  >;
}

const DAY = 86_400;
/** Days that claims and quota rows live at most: the epoch of their key and its overlap. */
const CLAIM_DAYS = 2;
/** Bytes of a key besides what is named in the costs: its family and encoding. */
const ROW_KEY_BYTES = 30;
/** Rows of a commit that sweeps. */
const SWEPT_ROWS = 250;
const KIB = 1024;
const READ_UNIT = 4 * KIB;

const cost = (name: keyof typeof COSTS) => COSTS[name].value;

/** How many of the logs find their token's key in the process that they reach, with logs spread over `processes`. */
function rememberedShare(usesOfToken: number, liveTokens: number, processes: number): number {
  const firsts = processes * (1 - (1 - 1 / processes) ** usesOfToken);
  const remembered = Math.min(1, processes * cost("cachedTokens") / liveTokens);
  return (1 - firsts / usesOfToken) * remembered;
}

/** Bytes of a log's body as the client pads it. */
function bodyBytes(events: number): number {
  const length = 110 + 110 * events;
  return BODY_SIZES.find((size) => length <= size) ?? length;
}

/** Commits a second that one denokv is planned to take. */
function denokvCommitsPerSecond(): number {
  return cost("endpointClaimsPerSecond") / (cost("denokvChecks") - 1) * cost("utilisation");
}

/** What a load costs on a target. */
export function planCapacity(load: Load, target: Target): Plan {
  const { logs: logsOfClient, events, uses, batch, sample, regions, retention, peak } = load;
  const clients = load.clients * sample;
  const logs = clients * logsOfClient;
  const tokensPerClient = Math.ceil(logsOfClient / uses);
  const tokens = clients * tokensPerClient;
  const tokenRequests = clients * Math.ceil(tokensPerClient / batch);

  const usesOfToken = logsOfClient / tokensPerClient;
  const cpuMs = (processes: number) => {
    const remembered = rememberedShare(usesOfToken, tokens / regions, Math.max(1, processes / regions));
    const evaluations = logs * (1 - remembered);
    const ms = logs * cost("logCpuMs") + evaluations * cost("evaluationCpuMs") +
      tokenRequests * cost("tokenRequestCpuMs") + tokens * cost("tokenCpuMs") +
      2 * clients * cost("documentCpuMs");
    return { evaluations, ms };
  };
  // More processes remember more tokens and see each of them more rarely: a few steps settle it.
  let processes = regions;
  for (let step = 0; target !== "file" && step < 20; step++) {
    const peakCores = cpuMs(processes).ms / 1_000 / DAY * peak;
    processes = Math.max(1, Math.ceil(peakCores / cost("utilisation") / regions)) * regions;
  }
  const { evaluations, ms } = cpuMs(processes);
  const cores = ms / 1_000 / DAY;

  const commitSeconds = cost(target === "deploy" ? "deployCommitMs" : "denokvCommitMs") / 1_000;
  const inFlight = target === "file" ? 1 : cost("deployInFlight");
  const mostClaims = cost(target === "denokv" ? "denokvChecks" : "deployChecks") - 1;
  /** What arrives at a process while a commit is under way goes into the next one; a busy denokv takes longer. */
  const groupAt = (perSecond: number) => {
    const arriving = perSecond / processes * commitSeconds / inFlight;
    const waiting = target === "denokv" ? perSecond / regions / denokvCommitsPerSecond() : 0;
    return Math.min(mostClaims, Math.max(1, arriving, waiting));
  };
  const group = groupAt(logs / DAY);
  const commits = logs / group + tokenRequests;
  const peakCommits = (logs / groupAt(logs / DAY * peak) + tokenRequests) / DAY * peak / regions;

  const rowBytes = cost("recordBytes") + events * cost("eventBytes") + 1;
  const segmentBytes = logs * events * cost("segmentEventBytes");
  const segments = segmentBytes / (40 * KIB);
  const rows = logs / group;
  // Claims and records set; rows moved into segments, and both deleted in the end; quotas set and deleted.
  const writes = logs * 2 + rows * 2 + segments * 2 + tokenRequests * 2;
  // Quota rows before they are set; swept claims and quotas; log rows when they are moved; segments once.
  const reads = tokenRequests * 2 + logs + rows + segments;
  const groupBytes = group * (cost("claimBytes") + rowBytes) + ROW_KEY_BYTES;
  const sweptBytes = (logs + tokenRequests) * ROW_KEY_BYTES;
  const writeUnits = rows * Math.ceil(groupBytes / KIB) + tokenRequests +
    (sweptBytes + rows * ROW_KEY_BYTES + 2 * segmentBytes) / KIB + (logs + tokenRequests) / SWEPT_ROWS / 2;
  const readUnits = tokenRequests + (logs * (cost("claimBytes") + rowBytes) + segmentBytes) / READ_UNIT +
    rows / 100;

  const claimBytes = cost(target === "deploy" ? "claimBytes" : "fileClaimBytes");
  const grantBytes = cost("quotaBytes") * (target === "deploy" ? 1 : 1.5);
  const addedBytes = logs * claimBytes + tokenRequests * grantBytes + segmentBytes;
  const keptBytes = (logs * claimBytes + tokenRequests * grantBytes) * CLAIM_DAYS + segmentBytes * retention +
    logs * rowBytes / 24;
  const bytesUp = logs * (cost("logHeaderBytes") + bodyBytes(events)) +
    tokenRequests * cost("tokenRequestBytes") + tokens * 32;
  const bytesDown = logs * cost("logAnswerBytes") + tokenRequests * cost("tokenAnswerBytes") + tokens * 32 +
    clients * cost("documentBytes");
  const requests = logs + tokenRequests + 2 * clients;
  const bill = {
    "requests": requests / 1e6 * cost("requestDollars"),
    "write units": writeUnits / 1e6 * cost("writeUnitDollars"),
    "read units": readUnits / 1e6 * cost("readUnitDollars"),
    "storage": keptBytes / 1e9 * cost("storageDollars") / 30,
    "egress": bytesDown / 1e9 * cost("egressDollars"),
    "CPU": cores * 24 * cost("cpuDollars"),
  };
  return {
    logs,
    tokenRequests,
    tokens,
    tokensPerClient,
    evaluations,
    cores,
    peakCores: cores * peak,
    processes,
    group,
    commits,
    peakCommits,
    writes,
    reads,
    writeUnits,
    readUnits,
    addedBytes,
    keptBytes,
    bytesUp,
    bytesDown,
    bill,
  };
}

/** Something that ends. */
export interface Wall {
  /** What it is. */
  readonly what: string;
  /** Clients a day at which it is used up. */
  readonly clients: number;
}

/** Stores that a load takes, each in a region of its own; undefined where no wall is known. */
export function storesFor(load: Load, target: Target): number | undefined {
  const [first] = wallsOf({ ...load, regions: 1 }, target);
  return first && Math.ceil(load.clients / first.clients);
}

/** The walls of a target for such a load, the first one first. Deno Deploy publishes none for its KV. */
export function wallsOf(load: Load, target: Target): Wall[] {
  if (target === "deploy") return [];
  const walls: Wall[] = [];
  const at = (clients: number) => planCapacity({ ...load, clients }, target);
  /** Clients at which `used` reaches 1; it rises with them. */
  const reach = (used: (plan: Plan) => number) => {
    let [low, high] = [1, 1e13];
    for (let step = 0; step < 100; step++) {
      const middle = Math.sqrt(low * high);
      if (used(at(middle)) < 1) low = middle;
      else high = middle;
    }
    return low;
  };
  walls.push({
    what: "disk of a region's store",
    clients: reach((plan) => plan.keptBytes / load.regions / cost("diskBytes")),
  });
  if (target === "file") {
    // What one process carries, on the measured day: all it does, in units of a log with a token in memory.
    const perLog = cost("logCpuMs");
    walls.push({
      what: "the one process of a region's file",
      clients: reach((plan) =>
        plan.peakCores / load.regions * 1_000 / perLog / cost("fileLogsPerSecond") / cost("utilisation")
      ),
    });
  } else {
    walls.push({
      what: "commits of a region's one denokv",
      // At the wall every commit is full.
      clients: reach(({ logs, tokenRequests }) =>
        (logs / (cost("denokvChecks") - 1) + tokenRequests) / DAY * load.peak / load.regions /
        denokvCommitsPerSecond()
      ),
    });
  }
  return walls.sort((a, b) => a.clients - b.clients);
}

// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * What `deno task release` says and asks before it answers a day: an answer costs budget that does not come back.
 *
 * @module
 */
import { callAdmin, CommandError } from "./admin_api.ts";

/** A loss as the admin API tells it. */
interface LossAnswer {
  /** Of a rho: at a delta of 1e-6 more. */
  readonly epsilon: number;
  /** What it is, where it is a rho. */
  readonly rho?: number;
}

/** A day before it is answered, as the admin API tells it. */
interface ForeseenAnswer {
  readonly app: string;
  readonly day: string;
  readonly over: boolean;
  readonly first: string | null;
  readonly questions: Readonly<Record<string, { readonly state: string; readonly cost: LossAnswer }>>;
  readonly cost: LossAnswer;
  /** None where the application releases nothing. */
  readonly budget: BudgetOfDay | null;
}

interface BudgetOfDay {
  readonly from: string;
  readonly to: string;
  readonly budget: LossAnswer;
  readonly left: LossAnswer;
}

/** What is to be answered, and how. */
interface Wish {
  /** The applications. */
  readonly apps: readonly string[];
  /** `YYYY-MM-DD`. */
  readonly day: string;
  /** Whether the day may be one that is not over. */
  readonly early: boolean;
  /** Whether it was agreed to before. */
  readonly yes: boolean;
}

/**
 * Says day, cost and what is left, and asks. Where nothing has to be paid it asks nothing.
 * @throws {CommandError} With one sentence where the day cannot be answered, nobody is there to be asked, or it was denied.
 */
export async function askToRelease({ apps, day, early, yes }: Wish): Promise<void> {
  const foreseen: ForeseenAnswer[] = [];
  for (const app of apps) {
    const path = `/admin/v1/apps/${encodeURIComponent(app)}/releases/${encodeURIComponent(day)}`;
    foreseen.push(await (await callAdmin(path)).json());
  }
  for (const { app, first } of foreseen) {
    if (first !== null && day < first) {
      throw new CommandError(
        `${app} has had no key before ${first}, and so no logs of ${day}: nothing was answered.`,
      );
    }
  }
  const costing = foreseen.filter(({ over, questions }) => (over || early) && toAnswer(questions).length > 0);
  if (costing.length === 0) return;
  for (const answer of costing) console.log(sentenceOf(answer));
  if (costing.some(({ over }) => !over)) {
    console.log(`${day} is not over: what comes later today is in no release.`);
  }
  if (yes) return;
  if (!Deno.stdin.isTerminal()) {
    throw new CommandError("Nobody is there to be asked: say --yes to answer it. Nothing was answered.");
  }
  if (!confirm("Answer it?")) throw new CommandError("Nothing was answered.");
}

function toAnswer(questions: ForeseenAnswer["questions"]): string[] {
  return Object.entries(questions).filter(([, { state }]) => state === "to answer").map(([name]) => name);
}

function sentenceOf({ app, day, questions, cost, budget }: ForeseenAnswer): string {
  const costs = `${app}, ${day}: to answer ${toAnswer(questions).join(", ")} costs ${amountOf(cost)}`;
  if (budget === null) return `${costs}.`;
  const left = `${amountOf(budget.left)} of ${amountOf(budget.budget)} is left`;
  return `${costs}; ${left} for ${budget.from} to ${budget.to}.`;
}

/** A loss in words, in the unit that it is configured in. */
function amountOf({ epsilon, rho }: LossAnswer): string {
  return rho === undefined ? `epsilon ${epsilon}` : `rho ${rho}`;
}

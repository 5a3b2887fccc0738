/**
 * What a schema may choose from. Of a value that is one of a few, many clients share each; of a free one, a service
 * could give every client another, which its records would then carry (docs/protocol.md, section 10). The service's
 * configuration and every client go by these lists.
 *
 * @module
 */

/** Seconds to which times may be floored. */
export const GRANULARITIES: readonly number[] = [60, 300, 900, 3_600, 21_600, 86_400];
/** Seconds to which times are floored unless the schema says otherwise. */
export const DEFAULT_GRANULARITY_SECONDS = 3_600;

/** Shares of clients that may be asked for an event. */
export const SAMPLE_RATES: readonly number[] = [1, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.0025, 0.001];

const DAY = 86_400;
/** The longest rotation of a pseudonym in seconds: one that never ends would follow its device for good. */
const MAX_PSEUDONYM_SECONDS = 400 * DAY;
/** Rotation of the pseudonym in seconds unless the configuration says otherwise. */
export const DEFAULT_PSEUDONYM_SECONDS = 7 * DAY;

/** Whether a value may be the rotation of a pseudonym: whole days, 400 at most. */
export function isRotation(value: unknown): value is number {
  return typeof value === "number" && value >= DAY && value <= MAX_PSEUDONYM_SECONDS && value % DAY === 0;
}

/** Most privacy loss of one report under local differential privacy: beyond it next to every report is true. */
export const MAX_LOCAL_EPSILON = 16;

/** The value of a list that comes after another one in a direction: what tells less of a person, and never more. */
export function nextOf(list: readonly number[], value: number, direction: "up" | "down"): number | undefined {
  return direction === "up"
    ? list.filter((one) => one >= value).sort((a, b) => a - b)[0]
    : list.filter((one) => one <= value).sort((a, b) => b - a)[0];
}

/**
 * How an answer was made, and where it stands in the audit log.
 *
 * @module
 */
import type { Method } from "../../../core/privacy/release/method.ts";
import type { Release } from "../../../core/privacy/release/rows.ts";

/** The method and the proof of a release; nothing where an older version made it. */
export function MethodOf({ release: { method, proof } }: { readonly release: Release }) {
  if (method === undefined || proof === undefined) return null;
  return (
    <details>
      <summary>How it was made</summary>
      <table class="small">
        <tbody>
          {describe(method).map(([name, value]) => (
            <tr>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">Digest</th>
            <td>
              <code>{proof.digest}</code>, entry {proof.entry} of the audit log
            </td>
          </tr>
        </tbody>
      </table>
      <p class="small muted">
        <code>deno task release verify</code> computes noise and intervals again from this.
      </p>
    </details>
  );
}

function describe(method: Method): [name: string, value: string][] {
  const { clamps, cost, cells } = method;
  return [
    ["Mechanism", `${method.mechanism.replace("-", " ")}, parameter ${method.parameter}`],
    ["Cost", `${cost.unit} ${cost.amount}${cost.delta === "0" ? "" : `, delta ${cost.delta}`}`],
    [
      "Of one person at most",
      `${clamps["cells-per-person"]} cells, ${clamps["events-per-cell"]} events in each`,
    ],
    [
      "Cells",
      "declared" in cells
        ? `all ${cells.declared} that are declared`
        : `selected at epsilon ${cells.selected.epsilon}: none below ${
          cells.selected["minimum-people"]
        } people, from ${cells.selected["certain-from"]} for certain`,
    ],
    ["Published from", String(method["shown-from"] ?? method.threshold)],
    ["Version of the code", method.code],
  ];
}

/** Rows as published that could not be used, and why. */

import { Ticked } from "../components/code-text";
import { Panel } from "../components/panel";
import { clock, whole } from "../util/format";
import { NEWEST, type Reject, reasons, rejects } from "./pipeline-data";

/** The row as it was published, readable if it is JSON. */
export function pretty(original: string | null): string {
  if (original === null) return "not kept";
  try {
    return JSON.stringify(JSON.parse(original), null, 2);
  } catch {
    return original;
  }
}

function Newest({ reject }: { reject: Reject }) {
  return (
    <details class="reject">
      <summary>
        <code>{reject.identity ?? "without a key"}</code> <Ticked text={reject.reason} />{" "}
        <small>
          {reject.resource}, batch {reject.batch}, {clock(reject.landed_at)}
        </small>
      </summary>
      <pre>{pretty(reject.original)}</pre>
    </details>
  );
}

/** By reason, and the newest of them with the row itself. */
export function Rejects() {
  const rows = reasons.value.rows ?? [];
  const newest = rejects.value.rows ?? [];
  const all = rows.reduce((sum, { count }) => sum + count, 0);
  return (
    <Panel title="Rejects" note="rows as published that could not be used" known={reasons.value} class="rejects">
      {rows.length === 0 ? (
        <p class="empty">None: every row that landed could be used.</p>
      ) : (
        <>
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Resource</th>
                <th scope="col">Reason</th>
                <th scope="col" class="number">
                  Rows
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ resource, reason, count }) => (
                <tr key={`${resource} ${reason}`}>
                  <td>{resource}</td>
                  <td>
                    <Ticked text={reason} />
                  </td>
                  <td class="number">{whole(count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <h3>{all > NEWEST ? `The newest ${NEWEST}` : "Each of them"}</h3>
          {newest.map(reject => (
            <Newest key={`${reject.resource} ${reject.batch} ${reject.identity} ${reject.reason}`} reject={reject} />
          ))}
        </>
      )}
    </Panel>
  );
}

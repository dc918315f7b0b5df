/** The panel of rejects. */

import { CodeText } from "../components/code-text";
import { Panel } from "../components/panel";
import { formatInteger, formatTime } from "../util/format";
import { MAX_REJECTS, newestRejects, type Reject, rejectReasons } from "./pipeline-data";

/** Returns a row as it was published, indented if it is JSON. */
export function formatOriginal(original: string | null): string {
  if (original === null) return "not stored";
  try {
    return JSON.stringify(JSON.parse(original), null, 2);
  } catch {
    return original;
  }
}

function RejectDetails({ reject }: { reject: Reject }) {
  return (
    <details class="reject">
      <summary>
        <code>{reject.identity ?? "no key"}</code> <CodeText text={reject.reason} />{" "}
        <small>
          {reject.resource}, batch {reject.batch}, {formatTime(reject.landed_at)}
        </small>
      </summary>
      <pre>{formatOriginal(reject.original)}</pre>
    </details>
  );
}

/** Counts the rejects by reason and lists the newest with their rows. */
export function RejectsPanel() {
  const rows = rejectReasons.value.rows ?? [];
  const newest = newestRejects.value.rows ?? [];
  const all = rows.reduce((sum, { count }) => sum + count, 0);
  return (
    <Panel title="Rejects" note="rows without a usable key" answer={rejectReasons.value} class="rejects">
      {rows.length === 0 ? (
        <p class="empty">No open rejects.</p>
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
                    <CodeText text={reason} />
                  </td>
                  <td class="number">{formatInteger(count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <h3>{all > MAX_REJECTS ? `The newest ${MAX_REJECTS}` : "All rejects"}</h3>
          {newest.map(reject => (
            <RejectDetails
              key={`${reject.resource} ${reject.batch} ${reject.identity} ${reject.reason}`}
              reject={reject}
            />
          ))}
        </>
      )}
    </Panel>
  );
}

/** What kind and where: the values of each label with their counts, drawn as bars, each a filter. */

import { signal } from "@preact/signals";
import { follow } from "../api/answer";
import { MOST_FACETS } from "../api/client";
import { cityResources } from "../api/resources";
import { Icon } from "../components/icon";
import { Panel } from "../components/panel";
import { afterMap, asked, chartsView } from "../map/questions";
import { params } from "../state/questions";
import { choose, clear, filters, LABELS, type Label, narrow, narrowed, toggle } from "../state/view-state";
import { named, short, whole } from "../util/format";

interface Facet {
  facet: Label;
  value: string | null;
  count: number;
}

const TITLES: Record<Label, string> = {
  resource: "Resource",
  category: "Category",
  district: "District",
  neighborhood: "Neighborhood",
};
/** Values that are shown before somebody asks for more. */
const FEW: Record<Label, number> = { resource: 10, category: 9, district: 7, neighborhood: 7 };

/** Values that are asked for, and listed, at most. */
const MOST = 300;

const sought = signal<Partial<Record<Label, string>>>({});

/** Each list counts under all filters but its own: what else could be chosen stays in sight. */
const listOf = (label: Label) =>
  follow<Facet[]>(
    afterMap(() => ({
      path: "facets",
      params: [
        ["facet", label],
        // All while somebody searches, or has chosen what may be further down.
        ["limit", String(sought.value[label] || filters.value.labels[label].length > 0 ? MOST_FACETS : MOST)],
        ...asked(params(filters.value, [label])),
        ...chartsView.value,
      ],
    })),
  );
const answers = {
  resource: listOf("resource"),
  category: listOf("category"),
  district: listOf("district"),
  neighborhood: listOf("neighborhood"),
};

const opened = signal<Partial<Record<Label, boolean>>>({});

function title(label: Label, value: string | null): string {
  if (label !== "resource") return named(value);
  const found = cityResources.value.find(resource => resource.name === value);
  // The city is said above.
  const text = found?.title?.replace(found.city ?? "", "").trim();
  return text ? (text[0] ?? "").toUpperCase() + text.slice(1) : named(value);
}

function List({ label }: { label: Label }) {
  const known = answers[label].value;
  const chosen = filters.value.labels[label];
  const rows = known.rows ?? [];
  const text = (sought.value[label] ?? "").toLowerCase();
  const all = rows.filter(row => title(label, row.value).toLowerCase().includes(text));
  // What is chosen stays in sight, with nothing to count as well.
  const gone = chosen.filter(value => !rows.some(row => (row.value ?? "") === value));
  const cut = all.length > MOST || known.meta?.truncated === true;
  const few = opened.value[label] || text !== "" ? all.slice(0, MOST) : all.slice(0, FEW[label]);
  const hidden = all.filter(row => !few.includes(row) && chosen.includes(row.value ?? ""));
  const listed = [...few, ...hidden, ...gone.map(value => ({ facet: label, value, count: 0 }))];
  const most = Math.max(1, ...rows.map(row => row.count));
  const item = (row: Facet) => {
    const value = row.value ?? "";
    const on = chosen.includes(value);
    return (
      <li key={value}>
        <button
          type="button"
          class="facet"
          aria-pressed={on}
          title={`${title(label, row.value)}: ${whole(row.count)}`}
          data-label={label}
          data-value={value}
          data-count={row.count}
          onClick={() => toggle(label, value)}
        >
          <i style={{ width: `${(100 * row.count) / most}%` }} />
          <span>{title(label, row.value)}</span>
          <b>{short(row.count)}</b>
        </button>
      </li>
    );
  };
  return (
    <Panel
      title={TITLES[label]}
      known={known}
      empty={listed.length === 0 && text === ""}
      class="facets"
      note={
        chosen.length > 0 && (
          <button type="button" class="link" onClick={() => choose(label, [])}>
            clear {chosen.length}
          </button>
        )
      }
    >
      {rows.length > FEW[label] && (
        <input
          type="search"
          placeholder={cut || text !== "" ? "Search" : `Search ${rows.length}`}
          aria-label={`Search ${TITLES[label]}`}
          value={sought.value[label] ?? ""}
          onInput={event => {
            sought.value = { ...sought.value, [label]: event.currentTarget.value };
          }}
        />
      )}
      <ul class={chosen.length > 0 ? "some" : ""}>{listed.map(item)}</ul>
      {text === "" && all.length > FEW[label] && (
        <button
          type="button"
          class="link"
          onClick={() => {
            opened.value = { ...opened.value, [label]: !opened.value[label] };
          }}
        >
          {opened.value[label] ? "fewer" : `${Math.min(all.length, MOST) - FEW[label]} more`}
        </button>
      )}
      {cut && (opened.value[label] || text !== "") && <small>the {whole(few.length)} most frequent</small>}
    </Panel>
  );
}

/** A filter in words, by its name in the address. */
function described(name: string, value: string): string {
  if (name === "near") {
    const [lat, lng, metres] = value.split(",").map(text => text.trim());
    return `within ${metres} m of ${lat}, ${lng}`;
  }
  return name.endsWith("!") ? `${name.slice(0, -1)} not ${named(value)}` : `${name} ${named(value)}`;
}

/** Filters that came with the address, each with a way to be rid of it. */
function Further() {
  const { further } = filters.value;
  if (further.length === 0) return null;
  return (
    <ul class="further">
      {further.map(filter => (
        <li key={filter.join(" ")}>
          <span>{described(...filter)}</span>
          <button
            type="button"
            class="link"
            aria-label={`Take away: ${described(...filter)}`}
            onClick={() => narrow({ further: further.filter(other => other !== filter) })}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** All of them. */
export function Facets() {
  return (
    <>
      <div class="narrowed">
        <span>
          {narrowed.value === 0 ? "No filters" : narrowed.value === 1 ? "1 filter" : `${narrowed.value} filters`}
        </span>
        <button type="button" class="link" disabled={narrowed.value === 0} onClick={clear}>
          clear all
        </button>
      </div>
      <Further />
      {LABELS.map(label => (
        <List key={label} label={label} />
      ))}
    </>
  );
}

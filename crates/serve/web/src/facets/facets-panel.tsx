/** What kind and where: the values of each label with their counts, drawn as bars, each a filter. */

import { signal } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { MAX_FACET_VALUES } from "../api/client";
import { cityResources, withCity } from "../api/resources";
import type { Facet } from "../api/types";
import { Icon } from "../components/icon";
import { Panel } from "../components/panel";
import { afterMapDrawn, chartsFilter } from "../map/questions";
import { filterParams } from "../state/questions";
import {
  clearFilters,
  filterCount,
  filters,
  LABELS,
  type Label,
  setFilters,
  setLabelValues,
  toggleLabelValue,
} from "../state/view-state";
import { formatCompact, formatInteger, labelText } from "../util/format";

const TITLES: Record<Label, string> = {
  resource: "Resource",
  category: "Category",
  district: "District",
  neighborhood: "Neighborhood",
};
/** Values that are shown before somebody asks for more. */
const INITIAL_VALUES: Record<Label, number> = { resource: 10, category: 9, district: 7, neighborhood: 7 };

/** Values that are asked for, and listed, at most. */
const MAX_VALUES = 300;

const searchTexts = signal<Partial<Record<Label, string>>>({});

/** Each list counts under all filters but its own: what else could be chosen stays in sight. */
const watchFacet = (label: Label) =>
  watchAnswer<Facet[]>(
    afterMapDrawn(() => ({
      path: "facets",
      params: [
        ["facet", label],
        // All while somebody searches, or has chosen what may be further down.
        [
          "limit",
          String(searchTexts.value[label] || filters.value.labels[label].length > 0 ? MAX_FACET_VALUES : MAX_VALUES),
        ],
        ...withCity(filterParams(filters.value, [label])),
        ...chartsFilter.value,
      ],
    })),
  );
const facetAnswers = {
  resource: watchFacet("resource"),
  category: watchFacet("category"),
  district: watchFacet("district"),
  neighborhood: watchFacet("neighborhood"),
};

const expanded = signal<Partial<Record<Label, boolean>>>({});

function formatValueTitle(label: Label, value: string | null): string {
  if (label !== "resource") return labelText(value);
  const found = cityResources.value.find(resource => resource.name === value);
  // The city is said above.
  const text = found?.title?.replace(found.city ?? "", "").trim();
  return text ? (text[0] ?? "").toUpperCase() + text.slice(1) : labelText(value);
}

function FacetList({ label }: { label: Label }) {
  const known = facetAnswers[label].value;
  const chosen = filters.value.labels[label];
  const rows = known.rows ?? [];
  const text = (searchTexts.value[label] ?? "").toLowerCase();
  const all = rows.filter(row => formatValueTitle(label, row.value).toLowerCase().includes(text));
  // What is chosen stays in sight, with nothing to count as well.
  const gone = chosen.filter(value => !rows.some(row => (row.value ?? "") === value));
  const cut = all.length > MAX_VALUES || known.meta?.truncated === true;
  const few = expanded.value[label] || text !== "" ? all.slice(0, MAX_VALUES) : all.slice(0, INITIAL_VALUES[label]);
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
          title={`${formatValueTitle(label, row.value)}: ${formatInteger(row.count)}`}
          data-label={label}
          data-value={value}
          data-count={row.count}
          onClick={() => toggleLabelValue(label, value)}
        >
          <i style={{ width: `${(100 * row.count) / most}%` }} />
          <span>{formatValueTitle(label, row.value)}</span>
          <b>{formatCompact(row.count)}</b>
        </button>
      </li>
    );
  };
  return (
    <Panel
      title={TITLES[label]}
      answer={known}
      empty={listed.length === 0 && text === ""}
      class="facets"
      note={
        chosen.length > 0 && (
          <button type="button" class="link" onClick={() => setLabelValues(label, [])}>
            clear {chosen.length}
          </button>
        )
      }
    >
      {rows.length > INITIAL_VALUES[label] && (
        <input
          type="search"
          placeholder={cut || text !== "" ? "Search" : `Search ${rows.length}`}
          aria-label={`Search ${TITLES[label]}`}
          value={searchTexts.value[label] ?? ""}
          onInput={event => {
            searchTexts.value = { ...searchTexts.value, [label]: event.currentTarget.value };
          }}
        />
      )}
      <ul class={chosen.length > 0 ? "has-selection" : ""}>{listed.map(item)}</ul>
      {text === "" && all.length > INITIAL_VALUES[label] && (
        <button
          type="button"
          class="link"
          onClick={() => {
            expanded.value = { ...expanded.value, [label]: !expanded.value[label] };
          }}
        >
          {expanded.value[label] ? "fewer" : `${Math.min(all.length, MAX_VALUES) - INITIAL_VALUES[label]} more`}
        </button>
      )}
      {cut && (expanded.value[label] || text !== "") && <small>the {formatInteger(few.length)} most frequent</small>}
    </Panel>
  );
}

/** A filter in words, by its name in the address. */
function describeFilter(name: string, value: string): string {
  if (name === "near") {
    const [lat, lng, metres] = value.split(",").map(text => text.trim());
    return `within ${metres} m of ${lat}, ${lng}`;
  }
  return name.endsWith("!") ? `${name.slice(0, -1)} not ${labelText(value)}` : `${name} ${labelText(value)}`;
}

/** Filters that came with the address, each with a way to be rid of it. */
function UrlOnlyFilters() {
  const { urlOnly } = filters.value;
  if (urlOnly.length === 0) return null;
  return (
    <ul class="url-filters">
      {urlOnly.map(filter => (
        <li key={filter.join(" ")}>
          <span>{describeFilter(...filter)}</span>
          <button
            type="button"
            class="link"
            aria-label={`Take away: ${describeFilter(...filter)}`}
            onClick={() => setFilters({ urlOnly: urlOnly.filter(other => other !== filter) })}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** All of them. */
export function FacetsPanel() {
  return (
    <>
      <div class="filter-count">
        <span>
          {filterCount.value === 0
            ? "No filters"
            : filterCount.value === 1
              ? "1 filter"
              : `${filterCount.value} filters`}
        </span>
        <button type="button" class="link" disabled={filterCount.value === 0} onClick={clearFilters}>
          clear all
        </button>
      </div>
      <UrlOnlyFilters />
      {LABELS.map(label => (
        <FacetList key={label} label={label} />
      ))}
    </>
  );
}

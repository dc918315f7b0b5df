/** What surrounds every page: where one is, how true it is, and since when. */

import { lazy, Suspense } from "preact/compat";
import { rememberToken } from "./api/client";
import { joinGroup, lakeVersion } from "./api/live-updates";
import { cities, currentCity, resources } from "./api/resources";
import { said } from "./components/copy-menu";
import { Icon } from "./components/icon";
import { Honesty } from "./components/status-badges";
import { MapPage } from "./pages/map-page";
import { moveTo, type Page, page } from "./state/view-state";
import { dark, switchTheme } from "./util/theme";

const SqlPage = lazy(() => import("./pages/sql-page"));
const QueriesPage = lazy(() => import("./pages/queries-page"));
const PipelinePage = lazy(() => import("./pages/pipeline-page"));

const PAGES: [Page, string][] = [
  ["map", "Map"],
  ["sql", "SQL"],
  ["queries", "Queries"],
  ["pipeline", "Pipeline"],
];

function Bar() {
  return (
    <header class="bar">
      <a class="brand" href="./" aria-label="hotspots-lake, the map from the beginning">
        <img src="./icon.svg" alt="" width="22" height="22" />
        <span>hotspots-lake</span>
      </a>
      {cities.value.length > 1 ? (
        <select
          aria-label="City"
          value={currentCity.value ?? ""}
          onChange={event => {
            moveTo(event.currentTarget.value);
          }}
        >
          {cities.value.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      ) : (
        <span class="city">{currentCity.value}</span>
      )}
      <nav aria-label="Pages">
        {PAGES.map(([name, label]) => (
          <a
            key={name}
            href={name === "map" ? "./" : `?page=${name}`}
            aria-current={page.value === name ? "page" : undefined}
            onClick={event => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              page.value = name;
            }}
          >
            {label}
          </a>
        ))}
        <a href="api" title="The interface behind this page">
          API
        </a>
      </nav>
      <Honesty />
      <button
        type="button"
        class="plain"
        onClick={switchTheme}
        aria-label={dark.value ? "Light colours" : "Dark colours"}
        title={dark.value ? "Light colours" : "Dark colours"}
      >
        <Icon name={dark.value ? "sun" : "moon"} />
      </button>
    </header>
  );
}

/** Asks for a token, where the server wants one. */
function Token() {
  return (
    <main class="door">
      <form
        onSubmit={event => {
          event.preventDefault();
          rememberToken(String(new FormData(event.currentTarget).get("token") ?? ""));
          joinGroup();
          lakeVersion.value += 1;
        }}
      >
        <h1>This lake asks for a token</h1>
        <p>It is kept in this tab and goes to this server only.</p>
        <label>
          Token <input name="token" type="password" autocomplete="off" required />
        </label>
        <button type="submit">Open</button>
        {resources.value.problem && <p class="failure">{resources.value.problem.detail}</p>}
      </form>
    </main>
  );
}

function Content() {
  if (resources.value.problem?.status === 401) return <Token />;
  if (page.value === "map") return <MapPage />;
  return (
    <Suspense fallback={<p class="waiting">Loading…</p>}>
      {page.value === "sql" ? <SqlPage /> : page.value === "queries" ? <QueriesPage /> : <PipelinePage />}
    </Suspense>
  );
}

/** The whole page. */
export function Frame() {
  return (
    <>
      <Bar />
      <Content />
      <div class="said" role="status" aria-live="polite">
        {said.value}
      </div>
    </>
  );
}

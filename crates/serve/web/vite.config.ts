import { defineConfig } from "vite";

// The server that `npm run dev` asks; the built page asks the host it came from.
const server = process.env.HOTSPOTS_SERVER ?? "http://127.0.0.1:8080";
const paths = [
  "aggregates",
  "incidents",
  "facets",
  "resources",
  "changes",
  "hotspots",
  "boundaries",
  "sql",
  "queries",
  "limits",
  "readyz",
  "openapi.json",
];

export default defineConfig({
  // Relative, so that the page works behind a proxy that puts it under a path.
  base: "./",
  build: {
    outDir: process.env.HOTSPOTS_WEB_OUT ?? "dist",
    emptyOutDir: true,
    target: "es2022",
    // A data: URL would need an exception in the content security policy.
    assetsInlineLimit: 0,
    // What the page is built from, and under which licences: it goes along with it.
    license: { fileName: "licenses.md" },
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  server: { proxy: Object.fromEntries(paths.map(path => [`/${path}`, server])) },
});

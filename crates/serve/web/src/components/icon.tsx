/** The icons of the page, drawn as strokes in the colour of the text. */

const PATHS = {
  share: "M12 3v12M7.500 7.500 12 3l4.500 4.500M5 13v6.500h14V13",
  play: "M7 4.500v15l12-7.500Z",
  pause: "M8 5v14M16 5v14",
  frame: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  close: "M5 5l14 14M19 5 5 19",
  box: "M4 6h16v12H4Z",
  polygon: "M12 3.500 20 9.500 17 19.500H7L4 9.500Z",
  cube: "M12 3l8 4.500v9L12 21l-8-4.500v-9ZM12 12l8-4.500M12 12 4 7.500M12 12v9",
  home: "M4 11.500 12 4l8 7.500M6.500 10v9.500h11V10",
  filter: "M4 5h16l-6 7.500V19l-4 1.500v-8Z",
  chart: "M4 20V4M4 20h16M8.500 16v-5M13 16V7M17.500 16v-8",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.500v2.500M12 19v2.500M2.500 12H5M19 12h2.500M5.300 5.300l1.700 1.700M17 17l1.700 1.700M5.300 18.700 7 17M17 7l1.700-1.700",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500Z",
  zoomIn: "M5 12h14M12 5v14",
  zoomOut: "M5 12h14",
  back: "M19 12H5M11 6l-6 6 6 6",
} as const;

/** An icon; its control has the accessible name. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linejoin="round"
        stroke-linecap="round"
      />
    </svg>
  );
}

/** Hues by name: a category keeps its own under every filter, in whatever picture. */

import { seriesColours } from "../util/colours";
import { fnv1a } from "../util/hash";

const HUE_COUNT = seriesColours(false).length;

/** The hue of a name: where it stands among `hues`. */
export function hashHue(name: string): number {
  return fnv1a(name) % HUE_COUNT;
}

/** Hues of names that are told apart by them: where two would have the same, one has the next that is free. */
export function assignHues(names: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  const found = new Map<string, number>();
  // By name and not as they are ranked, which a filter changes.
  for (const name of [...names].sort()) {
    let hue = hashHue(name);
    for (let n = 0; n < HUE_COUNT && taken.has(hue); n += 1) hue = (hue + 1) % HUE_COUNT;
    taken.add(hue);
    found.set(name, hue);
  }
  return found;
}

/** Hues of categories: a category has the same hue under every filter and in every chart. */

import { seriesColours } from "../util/colours";
import { fnv1a } from "../util/hash";

const HUE_COUNT = seriesColours(false).length;

/** Returns the index of a name's hue in `seriesColours`. */
export function hashHue(name: string): number {
  return fnv1a(name) % HUE_COUNT;
}

/** Returns distinct hues of names: on a collision, one takes the next free hue. */
export function assignHues(names: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  const found = new Map<string, number>();
  // By name, because filters change the ranking.
  for (const name of [...names].sort()) {
    let hue = hashHue(name);
    for (let n = 0; n < HUE_COUNT && taken.has(hue); n += 1) hue = (hue + 1) % HUE_COUNT;
    taken.add(hue);
    found.set(name, hue);
  }
  return found;
}

/** Hues by name: a category keeps its own under every filter, in whatever picture. */

import { hues } from "../util/colours";
import { fnv1a } from "../util/hash";

const MANY = hues(false).length;

/** The hue of a name: where it stands among `hues`. */
export function hueOf(name: string): number {
  return fnv1a(name) % MANY;
}

/** Hues of names that are told apart by them: where two would have the same, one has the next that is free. */
export function apart(names: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  const found = new Map<string, number>();
  // By name and not as they are ranked, which a filter changes.
  for (const name of [...names].sort()) {
    let hue = hueOf(name);
    for (let n = 0; n < MANY && taken.has(hue); n += 1) hue = (hue + 1) % MANY;
    taken.add(hue);
    found.set(name, hue);
  }
  return found;
}

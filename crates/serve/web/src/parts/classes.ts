/** Values in classes of about equally many, for colours: counts of places are skewed, and one centre would take all. */

/** The least value of each class. */
export function breaks(values: readonly number[], classes: number): number[] {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  return Array.from({ length: classes }, (_, n) => sorted[Math.floor((n * sorted.length) / classes)] ?? 0);
}

/** The class of a value: the last that begins at or below it. */
export function classOf(value: number, limits: readonly number[]): number {
  let found = 0;
  for (const [n, from] of limits.entries()) if (value >= from) found = n;
  return found;
}

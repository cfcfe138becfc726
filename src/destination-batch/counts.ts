/** Adds one to a count, and returns the new count. */
export function increment<Key>(counts: Map<Key, number>, key: Key): number {
  const times = (counts.get(key) ?? 0) + 1;
  counts.set(key, times);
  return times;
}

export function sumCounts(counts: ReadonlyMap<unknown, number>): number {
  let sum = 0;
  for (const times of counts.values()) sum += times;
  return sum;
}

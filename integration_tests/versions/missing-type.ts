import { chosenEngine, isOlder } from '../../sandbox/clickhouse/engines/engines.ts';

/**
 * The first version of the engines that has a type, or has it as the tests use it, by a pattern for the name of the type.
 * Types that all of them have are not listed.
 */
const FIRST_VERSIONS: readonly (readonly [type: RegExp, version: string])[] = [
  [/\bJSON\b/, '24.8'],
  [/\bNullable\(JSON\b/, '25.5'],
  [/\b(Multi)?LineString\b/, '24.8'],
  [/\bTuple\(\)/, '24.8'],
  [/\bVariant\b/, '24.5'],
  [/\bDynamic\b/, '24.5'],
  [/\bBFloat16\b/, '25.5'],
  [/\bTime(64)?\b/, '25.8'],
  [/\bQBit\b/, '26.1'],
  [/\bGeometry\b/, '26.1'],
  [/\bNullable\((Tuple|Point)\b/, '26.1'],
];

/** Why the chosen engine can't have a column of a type; undefined if it can. */
export function missingType(type: string): string | undefined {
  const { version } = chosenEngine();
  for (const [pattern, first] of FIRST_VERSIONS) {
    const name = pattern.exec(type)?.[0];
    if (name !== undefined && isOlder(version, first)) return `ClickHouse ${version} has no ${name}; ${first} has it`;
  }
  return undefined;
}

/** The first of some warnings. When there are more, the last one says so. */
export function limitWarnings(most: number, warnings: readonly string[]): string[] {
  if (warnings.length <= most) return [...warnings];
  return [
    ...warnings.slice(0, most),
    `Only the first ${most} warnings are shown. To see those of one stream, name it in "table" and run check.`,
  ];
}

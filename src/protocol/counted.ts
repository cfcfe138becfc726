/** A number of things in words: "1 row", "1,500 rows". @param what one of them is called. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

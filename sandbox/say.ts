/** Prints lines for a person. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

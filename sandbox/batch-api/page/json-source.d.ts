/** What browsers have of the proposal "JSON.parse source text access", and TypeScript does not know yet. */
interface JSON {
  // biome-ignore lint/suspicious/noExplicitAny: as TypeScript's own declaration of it.
  parse(text: string, reviver: (key: string, value: unknown, context?: { source?: string }) => unknown): any;
  /** Absent in older ones. */
  rawJSON?: (text: string) => unknown;
}

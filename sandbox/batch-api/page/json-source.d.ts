/** The proposal "JSON.parse source text access", which browsers have and TypeScript does not declare yet. */
interface JSON {
  // biome-ignore lint/suspicious/noExplicitAny: as TypeScript's own declaration of it.
  parse(text: string, reviver: (key: string, value: unknown, context?: { source?: string }) => unknown): any;
  /** Missing in older browsers. */
  rawJSON?: (text: string) => unknown;
}

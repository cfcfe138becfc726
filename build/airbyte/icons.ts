import type { ConnectorName } from './metadata.ts';

/** Draws an icon: a square with round corners, with a drawing in it. */
function draw(background: string, drawing: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="250" height="250" viewBox="0 0 250 250">
  <rect width="250" height="250" rx="48" fill="${background}"/>
${drawing}</svg>
`;
}

/** The source: rows of a table, the newest of which leaves to the right. The destination: an event that arrives at a profile. */
export const ICONS: Record<ConnectorName, string> = {
  'source-clickhouse': draw(
    '#123b3f',
    `  <g fill="#8fd3c8">
    <rect x="46" y="56" width="52" height="26" rx="6"/>
    <rect x="108" y="56" width="52" height="26" rx="6"/>
    <rect x="46" y="98" width="52" height="26" rx="6"/>
    <rect x="108" y="98" width="52" height="26" rx="6"/>
  </g>
  <g fill="#ffffff">
    <rect x="46" y="156" width="52" height="26" rx="6"/>
    <path d="M114 156h48v-20l48 33-48 33v-20h-48a6 6 0 0 1-6-6v-14a6 6 0 0 1 6-6z"/>
  </g>
`,
  ),
  'destination-batch': draw(
    '#2b2a5e',
    `  <g fill="#b9b6f2">
    <circle cx="160" cy="92" r="38"/>
    <path d="M92 206c0-38 30-62 68-62s68 24 68 62z"/>
  </g>
  <g fill="#ffffff">
    <path d="M28 112h40V92l44 33-44 33v-20H28a6 6 0 0 1-6-6v-14a6 6 0 0 1 6-6z"/>
  </g>
`,
  ),
};

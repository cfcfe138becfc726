import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../packaging/kubernetes-manifest.ts';
import { type Page, pagesIn } from './pages.ts';

/** A page with more lines begins with a table of contents. */
const LONGEST_WITHOUT = 120;

/** The contents of a page, up to its first heading of the second level. */
const CONTENTS = /\*\*On this page\*\*\n\n(?:- .*\n)+\n/;

/** The pages that need contents. Those that `explain` prints do not: a terminal can't follow links. */
export function longPages(): Page[] {
  return pagesIn('docs').filter(
    ({ path, lines }) => lines > LONGEST_WITHOUT && !path.startsWith('docs/troubleshooting/'),
  );
}

/** Returns the text of a page with the contents that fit its headings. */
export function withContents({ path, outline, headings }: Page): string {
  const text = readFileSync(join(ROOT, path), 'utf8').replace(CONTENTS, '');
  const list = outline.map(({ link, below }) => `- ${below.length === 0 ? link : `${link}: ${below.join(', ')}`}\n`);
  const heading = `\n## ${headings[0]}\n`;
  return text.replace(heading, () => `\n**On this page**\n\n${list.join('')}${heading}`);
}

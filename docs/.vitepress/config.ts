import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { type DefaultTheme, defineConfig, type MarkdownRenderer } from 'vitepress';

/** Where the files are that pages link to, but that are not pages. */
const REPOSITORY = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch';
const FILES = `${REPOSITORY}/blob/main/`;

/** The pages that GitHub shows for a folder. On the site, they are the index of the folder. */
const README = /(^|\/)README\.md(?=#|$)/;

/** Returns the target of a link on the site. @param page the page of the link, relative to docs/. */
function resolveLink(href: string, page: string): string {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const target = posix.join('docs', posix.dirname(page), href);
  return target.startsWith('docs/') ? href.replace(README, '$1index.md') : FILES + target;
}

/** Lets the links of the pages work on the site as they do on GitHub. */
function resolveLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('links', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href !== null) token.attrSet('href', resolveLink(href, env.relativePath));
    }
  });
}

/** Leaves out the contents of long pages, which the site has in a column of its own. */
function leaveOutContents(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('contents', ({ tokens }) => {
    const heading = tokens.findIndex(({ content }) => content === '**On this page**');
    const end = tokens.findIndex(({ type }, index) => index > heading && type === 'bullet_list_close');
    // The token before is the beginning of the paragraph.
    if (heading !== -1) tokens.splice(heading - 1, end - heading + 2);
  });
}

/** Returns the sidebar. It has the sections and links of docs/README.md. */
function readSidebar(): DefaultTheme.SidebarItem[] {
  const [, ...sections] = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split(/^## /m);
  return sections.map((section) => ({
    text: section.slice(0, section.indexOf('\n')),
    items: [...section.matchAll(/^- \[([^\]]+)\]\(([^)]+)\)/gm)].map(([, text = '', href = '']) => {
      const link = resolveLink(href, 'index.md');
      return { text, link: link.startsWith('https:') ? link : `/${link}` };
    }),
  }));
}

/** `npm run docs` builds the site. It fails if a page has a dead link. */
export default defineConfig({
  title: 'clickhouse-to-batch',
  description: 'Send the rows of ClickHouse to Batch profiles as events',
  lang: 'en',
  // Otherwise browsers ask for one that is not there.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  rewrites: { 'README.md': 'index.md', 'troubleshooting/README.md': 'troubleshooting/index.md' },
  markdown: {
    config: (markdown) => {
      leaveOutContents(markdown);
      resolveLinks(markdown);
    },
    languageAlias: { crontab: 'txt' },
  },
  themeConfig: {
    sidebar: readSidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
  },
});

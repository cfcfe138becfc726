import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../packaging/kubernetes-manifest.ts';
import { longPages, withContents } from './contents.ts';

/** `npm run docs:contents`: updates the contents of the long pages after a change of their headings. */
for (const page of longPages()) writeFileSync(join(ROOT, page.path), withContents(page));

import { existsSync } from 'node:fs';

/** A Chromium or Chrome of this machine, for the tests that need a browser; undefined if there is none. */
export const CHROMIUM = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

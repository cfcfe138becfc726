/**
 * The folder of the package, which holds package.json, spec/ and docs/troubleshooting/. This module is two folders below it in
 * the sources, and in the bundle in dist/cli/, so that it is found in both: no other module may depend on its own depth.
 */
export const PACKAGE_ROOT = new URL('../../', import.meta.url);

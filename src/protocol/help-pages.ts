const TROUBLESHOOTING = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting';

/** Where a code, of an error or of a rejected row, is explained for people. `connector explain CODE` prints the same. */
export function troubleshootingPage(code: string): string {
  return `${TROUBLESHOOTING}/${code}.md`;
}

/** A printed message without the link at its end, and the code that the link leads to; undefined when there is none. */
export function splitLink(printed: string): { message: string; code: string | undefined } {
  const start = printed.lastIndexOf(` See ${TROUBLESHOOTING}/`);
  const [, code] = /\/(\w+)\.md$/.exec(printed) ?? [];
  return start === -1 || code === undefined
    ? { message: printed, code: undefined }
    : { message: printed.slice(0, start), code };
}

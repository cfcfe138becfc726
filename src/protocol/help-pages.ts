const TROUBLESHOOTING = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting';

/** The page that explains the code of an error or a rejected row. `connector explain CODE` prints the same page. */
export function troubleshootingPage(code: string): string {
  return `${TROUBLESHOOTING}/${code}.md`;
}

/** Splits a printed message into the message and the code of the link at its end; undefined without a link. */
export function splitLink(printed: string): { message: string; code: string | undefined } {
  const start = printed.lastIndexOf(` See ${TROUBLESHOOTING}/`);
  const [, code] = /\/(\w+)\.md$/.exec(printed) ?? [];
  return start === -1 || code === undefined
    ? { message: printed, code: undefined }
    : { message: printed.slice(0, start), code };
}

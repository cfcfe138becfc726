const TROUBLESHOOTING = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting';

/** Returns the URL of the page about an error or rejection code. `clickhouse-to-batch explain CODE` prints the same page. */
export function troubleshootingPage(code: string): string {
  return `${TROUBLESHOOTING}/${code}.md`;
}

/** Splits a printed message into its text and the code in the link at its end. The code is undefined if there is no link. */
export function splitLink(printed: string): { message: string; code: string | undefined } {
  const start = printed.lastIndexOf(`See ${TROUBLESHOOTING}/`);
  const [, code] = /\/(\w+)\.md$/.exec(printed) ?? [];
  return start === -1 || code === undefined
    ? { message: printed, code: undefined }
    : { message: printed.slice(0, start).trimEnd(), code };
}

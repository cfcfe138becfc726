const TROUBLESHOOTING = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting';

/** Where a code, of an error or of a rejected row, is explained for people. `connector explain CODE` prints the same. */
export function troubleshootingPage(code: string): string {
  return `${TROUBLESHOOTING}/${code}.md`;
}

import { ConnectorError } from '../../protocol/errors.ts';

/** The rows of a query that is worth no failure, such as one for a warning or an estimate: none when it fails. */
export async function tryRows<Row>(rows: Promise<Row[]>): Promise<Row[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof ConnectorError) return [];
    throw error;
  }
}

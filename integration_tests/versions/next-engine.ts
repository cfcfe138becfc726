/** The environment variable that chooses the version on which the state of CLICKHOUSE_ENGINE is continued. */
export const NEXT_ENGINE_VARIABLE = 'CLICKHOUSE_NEXT_ENGINE';

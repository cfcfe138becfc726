/** A user of the sandbox's ClickHouse. `grants` absent: everything. */
export type SandboxUser = {
  name: string;
  password: string;
  profile: 'default' | 'readonly1' | 'readonly2';
  grants?: readonly string[];
};

/** May do everything; makes the tables. */
export const ADMIN: SandboxUser = { name: 'admin', password: 'admin-secret', profile: 'default' };

/** What a careful administrator gives a connector: SELECT alone, and no setting may be changed (readonly=1). */
export const READER: SandboxUser = {
  name: 'batch_reader',
  // With characters that a URL, JSON and XML each write differently.
  password: 'r3ader/"&secret é',
  profile: 'readonly1',
  grants: ['GRANT SELECT ON *.*', 'GRANT SHOW ON *.*'],
};

/** Read-only in the other way: settings may be changed (readonly=2). */
export const READER_WITH_SETTINGS: SandboxUser = { ...READER, name: 'settings_reader', profile: 'readonly2' };

/** May read one table, and of another one some columns. */
export const STRANGER: SandboxUser = {
  name: 'stranger',
  password: 'stranger-secret',
  profile: 'readonly1',
  grants: ['GRANT SELECT ON granted.events', 'GRANT SELECT(custom_id, event_name) ON granted.partly'],
};

const USERS = [ADMIN, READER, READER_WITH_SETTINGS, STRANGER];

/** The server's users file. The nameless user `default` is the engine's own session. */
export function usersXml(): string {
  return `<clickhouse>
  <profiles>
    <default/>
    <readonly1><readonly>1</readonly></readonly1>
    <readonly2><readonly>2</readonly></readonly2>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
${USERS.map(userXml).join('\n')}
  </users>
</clickhouse>
`;
}

function userXml({ name, password, profile, grants }: SandboxUser): string {
  const queries = grants?.map((grant) => `<query>${escapeXml(grant)}</query>`).join('');
  return `    <${name}>
      <password>${escapeXml(password)}</password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>${profile}</profile>
      <quota>default</quota>
      ${queries === undefined ? '' : `<grants>${queries}</grants>`}
    </${name}>`;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

import type { Questions } from './prompts.ts';
import { escapeSecret } from './secret-text.ts';

/** What is asked of the destination; the options of the same names. */
export type DestinationAnswers = { project_key: string; rest_api_key: string };

/** Asks for the keys of the project in Batch. What was answered before stands there to be changed. */
export async function askForDestination(
  questions: Questions,
  before: DestinationAnswers | undefined,
): Promise<DestinationAnswers> {
  const project = await questions.text({
    message: 'Project key of Batch (dashboard: Settings → General; it begins with project_)',
    initial: before?.project_key,
  });
  let key = await questions.password(
    `REST API key, from the same page${before === undefined ? '' : ': empty for the one before'}; \${NAME} for one in the environment`,
  );
  while (key === '' && before === undefined) key = await questions.password('The REST API key is needed');
  return { project_key: project, rest_api_key: key === '' ? (before?.rest_api_key ?? '') : escapeSecret(key) };
}

import { check } from '../destination-batch/commands.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { tryConnector } from '../runner/try-connector.ts';
import { asConfiguration, type DestinationAnswers } from './answers.ts';
import { type Questions, showMessage } from './prompts.ts';
import type { Step } from './steps.ts';

/** The beginning of every project key. */
const PROJECT_KEY = /^project_/;

/** Matches a string that looks like a key, and not like a typo. */
const KEY = /^\S{12,}$/;

const NOT_A_PROJECT_KEY = 'A project key begins with project_.';

/** The questions about the project in Batch. @param answers earlier answers, which the user can change. */
export function createDestinationSteps(
  context: CommandContext,
  questions: Questions,
  answers: DestinationAnswers,
): Step[] {
  const askForKeys = async (): Promise<void> => {
    answers.project_key = await askForProjectKey(questions, answers.project_key);
    showMessage('info', `Project key: ${answers.project_key}`);
    answers.rest_api_key = await questions.secret({
      message: `REST API key (${answers.rest_api_key === undefined ? 'on the same page' : 'empty to keep it'}; or \${NAME}, or \${file:/PATH})`,
      before: answers.rest_api_key,
      validate: (typed) =>
        PROJECT_KEY.test(typed)
          ? 'This is a project key. The REST API key is another one on the same page.'
          : undefined,
    });
  };
  return [
    {
      label: "the address of Batch's API",
      isOptional: true,
      ask: async () => {
        answers.api_url = await questions.text({
          message: "Address of Batch's API",
          initial: answers.api_url,
          defaultAnswer: 'https://api.batch.com',
        });
      },
    },
    {
      label: 'the keys',
      ask: askForKeys,
      test: {
        name: 'keys',
        run: () =>
          tryConnector(context, 'destination', asConfiguration(answers), async (inner, given) => {
            const { host } = await check(inner, given);
            return `Batch works (${host})`;
          }),
      },
    },
  ];
}

/** Asks for the project key. The answer isn't shown until it is accepted, because it may be the REST API key by mistake. */
function askForProjectKey(questions: Questions, before: string | undefined): Promise<string> {
  const hint = before === undefined ? 'in the dashboard under Settings → General' : 'empty to keep it';
  return questions.secret({
    message: `Batch project key (${hint})`,
    before,
    validate: (typed) => {
      if (PROJECT_KEY.test(typed)) return undefined;
      return KEY.test(typed) ? `${NOT_A_PROJECT_KEY} This looks like the REST API key.` : NOT_A_PROJECT_KEY;
    },
  });
}

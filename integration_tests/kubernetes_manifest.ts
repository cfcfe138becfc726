import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const objectSchema = z.looseObject({
  kind: z.enum(['CronJob', 'Job', 'PersistentVolumeClaim']),
  metadata: z.looseObject({ name: z.string() }),
});

export type KubernetesObject = z.output<typeof objectSchema>;

const podSchema = z.looseObject({
  containers: z.tuple([
    z.looseObject({
      image: z.string(),
      command: z.tuple([z.string()], z.string()),
      env: z.array(
        z.union([
          z.strictObject({ name: z.string(), value: z.string() }),
          z.strictObject({
            name: z.string(),
            valueFrom: z.strictObject({ fieldRef: z.strictObject({ fieldPath: z.string() }) }),
          }),
        ]),
      ),
      volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
    }),
  ]),
  volumes: z.array(
    z.looseObject({ name: z.string(), persistentVolumeClaim: z.looseObject({ claimName: z.string() }).optional() }),
  ),
});

export type Pod = z.output<typeof podSchema>;

const jobSpecSchema = z.looseObject({ template: z.looseObject({ spec: podSchema }) });
const cronJobSpecSchema = z.looseObject({ jobTemplate: z.looseObject({ spec: jobSpecSchema }) });

/** The objects of a file in deploy/kubernetes. */
export function manifest(name: string): KubernetesObject[] {
  const text = readFileSync(join(ROOT, 'deploy/kubernetes', name), 'utf8');
  return parseAllDocuments(text).map((document) => {
    for (const problem of [...document.errors, ...document.warnings]) throw problem;
    return objectSchema.parse(document.toJS());
  });
}

/** The pod that the Job or the CronJob of a file runs. */
export function podOf(objects: readonly KubernetesObject[]): Pod {
  const specs = objects.flatMap(({ kind, spec }) => {
    if (kind === 'Job') return jobSpecSchema.parse(spec);
    return kind === 'CronJob' ? cronJobSpecSchema.parse(spec).jobTemplate.spec : [];
  });
  const [spec] = specs;
  if (spec === undefined || specs.length > 1) throw new Error('A file has one Job or one CronJob.');
  return spec.template.spec;
}

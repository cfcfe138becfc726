import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const objectSchema = z.looseObject({
  kind: z.enum(['CronJob', 'Job', 'PersistentVolumeClaim']),
  metadata: z.looseObject({ name: z.string() }),
});

export type KubernetesObject = z.output<typeof objectSchema>;

const podSchema = z.looseObject({
  containers: z.tuple([
    z.looseObject({
      name: z.string(),
      image: z.string(),
      args: z.array(z.string()),
      envFrom: z.array(z.strictObject({ secretRef: z.strictObject({ name: z.string(), optional: z.boolean() }) })),
      volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
    }),
  ]),
  volumes: z.array(
    z.looseObject({ name: z.string(), persistentVolumeClaim: z.looseObject({ claimName: z.string() }).optional() }),
  ),
});

export type Pod = z.output<typeof podSchema>;

const jobSpecSchema = z.looseObject({
  podFailurePolicy: z.looseObject({ rules: z.array(z.unknown()) }),
  template: z.looseObject({ spec: podSchema }),
});
const cronJobSpecSchema = z.looseObject({ jobTemplate: z.looseObject({ spec: jobSpecSchema }) });

/** The objects of a file in deploy/kubernetes. */
export function manifest(name: string): KubernetesObject[] {
  const text = readFileSync(join(ROOT, 'deploy/kubernetes', name), 'utf8');
  return parseAllDocuments(text).map((document) => {
    for (const problem of [...document.errors, ...document.warnings]) throw problem;
    return objectSchema.parse(document.toJS());
  });
}

/** The Job of a file, or the one that its CronJob creates. */
export function jobOf(objects: readonly KubernetesObject[]): z.output<typeof jobSpecSchema> {
  const specs = objects.flatMap(({ kind, spec }) => {
    if (kind === 'Job') return jobSpecSchema.parse(spec);
    return kind === 'CronJob' ? cronJobSpecSchema.parse(spec).jobTemplate.spec : [];
  });
  const [spec] = specs;
  if (spec === undefined || specs.length > 1) throw new Error('A file has one Job or one CronJob.');
  return spec;
}

/** The pod that it runs. */
export function podOf(objects: readonly KubernetesObject[]): Pod {
  return jobOf(objects).template.spec;
}

/** A field of a connector's specification, as far as Airbyte's form reads it. */
export type FormField = {
  type?: string;
  title?: string;
  default?: unknown;
  const?: unknown;
  properties?: Record<string, FormField>;
  oneOf?: readonly FormField[];
  required?: readonly string[];
};

/**
 * What Airbyte's web form sends for a specification when the user fills in `filledIn` and touches nothing else. An object
 * is always sent, with the defaults of its fields. In a oneOf, the form chooses the first option. Fields that have no
 * default are left out: the form sends neither null nor an empty string for them.
 *
 * See setDefaultValues in airbyte-webapp/src/views/Connector/ConnectorForm/useBuildForm.tsx of airbytehq/airbyte-platform.
 */
export function formValues({ properties = {} }: FormField, filledIn: Record<string, unknown> = {}): object {
  const untouched = Object.entries(properties).flatMap(([name, field]) => {
    const value = untouchedValue(field);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(untouched), ...filledIn };
}

function untouchedValue(field: FormField): unknown {
  const [first] = field.oneOf ?? [];
  if (first !== undefined) return formValues(first);
  return field.type === 'object' ? formValues(field) : (field.default ?? field.const);
}

/**
 * Returns the paths of the fields that a user has to fill in for an option that is itself optional. The form has no
 * optional objects, so it can't be saved without them. Fields of other options of a oneOf are not a problem: the user has
 * chosen that option.
 */
export function demandedByOptionals(
  { properties = {}, required = [] }: FormField,
  isOptional = false,
  path = '',
): string[] {
  const demanded = required.filter((name) => isOptional && properties[name]?.const === undefined);
  return [
    ...demanded.map((name) => `${path}${name}`),
    ...Object.entries(properties).flatMap(([name, field]) =>
      demandedByOptionals(field.oneOf?.[0] ?? field, isOptional || !required.includes(name), `${path}${name}.`),
    ),
  ];
}

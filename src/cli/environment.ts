import { OPTIONS, type Given, type OptionSpec } from './options.js';
import { readValue } from './values.js';
import { check } from './schema.js';

const PREFIX = 'TDC_';

/** Every variable that means something: TDC_<OPTION>, and TDC_MODEL. */
const VARIABLES = new Map<string, OptionSpec>([
  ['TDC_MODEL', { key: 'model', kind: 'text', group: 'Input', describe: '' }],
  ...Object.entries(OPTIONS).flatMap(([name, spec]: [string, OptionSpec]): [string, OptionSpec][] => {
    const variable = PREFIX + name.replaceAll('-', '_').toUpperCase();
    return spec.kind === 'off'
      ? [
          [variable.replace('TDC_NO_', PREFIX), { ...spec, kind: 'switch' }],
          [variable, spec],
        ]
      : [[variable, spec]];
  }),
]);

export interface Environment {
  readonly given: Given;
  /** Variables that look like options and are none. */
  readonly unknown: readonly string[];
}

/**
 * What the environment says. Empty variables say nothing.
 *
 * @throws UsageError a value that its option does not take
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const raw: Record<string, unknown> = {};
  const names = new Map<string, string>();
  for (const [variable, spec] of VARIABLES) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    raw[spec.key] = readValue(spec.kind, text);
    names.set(spec.key, variable);
  }
  const unknown = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !VARIABLES.has(name));
  const given = check(raw, { kind: 'flags', name: (key) => names.get(key.split('.')[0] ?? key) ?? key });
  return { given, unknown };
}

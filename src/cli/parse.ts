import type yargs from 'yargs';
import type { Argv } from 'yargs';

import { UsageError } from '../errors.js';
import { nameOf, type Command } from './command.js';
import { manifest } from './manifest.js';
import { OPTIONS, type Given, type OptionName, type OptionSpec } from './options.js';
import { readValue } from './values.js';
import { nearest } from './suggest.js';

/** What a command line asks for: a text to print, or a command with its flags. */
export type Parsed =
  | { readonly text: string }
  | { readonly command: Command; readonly flags: Given; readonly run?: string };

type Values = Record<string, unknown>;

const EPILOGUE = `Options may also stand in tdc.config.json (.js, .mjs, .ts), in a "tdc" key of
package.json, or in the environment: TDC_BATCH_SIZE=64. A flag wins over the
environment, the environment over the file.

Exit codes: 0 done, 1 a bug, 2 usage, 3 model or data, 4 backend, 5 gate,
130 interrupted.`;

/** Taken but not shown: they undo a file's or variable's "off". */
const POSITIVE = { 'no-retrain': 'retrain', 'no-control': 'control', 'no-distill': 'distill' } as const;

/**
 * Reads a command line.
 *
 * @throws UsageError an unknown command or option, a missing or wrong value
 */
export async function parseArguments(argv: readonly string[], commands: readonly Command[]): Promise<Parsed> {
  const { default: create } = await import('yargs');
  const words = argv.map(kebab);
  let chosen: { command: Command; values: Values } | undefined;
  let failure: unknown;
  let text = '';
  const parser = skeleton(create);
  for (const command of commands) {
    parser.command(
      command.usage,
      command.describe,
      (y) => describeCommand(y, command),
      (values) => {
        chosen = { command, values };
      },
    );
  }
  await parser.parseAsync(words, {}, (error, _values, output) => {
    failure = error;
    text = output;
  });
  if (failure !== undefined && failure !== null) throw usageError(failure, words, commands);
  // yargs writes one-letter options with one dash.
  if (text !== '') return { text: `${text.replace(/^ {2}-p {5}/mu, '      --p')}\n` };
  if (chosen === undefined) throw new UsageError('Which command?', { hint: 'tdc --help lists them.' });
  const { command, values } = chosen;
  const positional =
    command.positional === undefined ? undefined : (values[command.positional.name] as string | undefined);
  const flags = await readFlags(command, values);
  if (positional === undefined) return { command, flags };
  return command.positional?.name === 'run'
    ? { command, flags, run: positional }
    : { command, flags: { ...flags, model: positional } };
}

function skeleton(create: typeof yargs): Argv {
  return create([])
    .scriptName('tdc')
    .usage('$0 <command>\n\nHow wide do the layers of a TensorFlow.js model need to be? tdc measures it.')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .strict()
    .exitProcess(false)
    .locale('en')
    .wrap(80)
    .help('help', 'Show help')
    .alias('h', 'help')
    .version('version', 'Show the version', manifest().version)
    .group(['help', 'version'], 'Everywhere')
    .demandCommand(1, 'Which command?')
    .showHelpOnFail(false)
    .updateStrings({ 'Positionals:': 'Takes', 'Commands:': 'Commands', 'Examples:': 'Examples' })
    .example('$0 init', 'write a configuration for this folder')
    .example('$0 recommend', 'a plan for the model and data of the configuration')
    .example('$0 recommend my/model --data my.csv', 'the same, without a configuration')
    .epilogue(EPILOGUE);
}

function describeCommand(parser: Argv, command: Command): Argv {
  // A command's own help shows its own examples only.
  parser.usage(`tdc ${command.usage}\n\n${command.describe}.`);
  if (command.positional !== undefined) {
    parser.positional(command.positional.name, { describe: command.positional.describe, type: 'string' });
  }
  for (const name of command.options) declare(parser, name, false);
  for (const name of command.silent ?? []) declare(parser, name, true);
  for (const [line, says] of command.examples) parser.example(line, says);
  return parser;
}

function declare(parser: Argv, name: OptionName, hidden: boolean): void {
  const spec: OptionSpec = OPTIONS[name];
  const isSwitch = spec.kind === 'switch' || spec.kind === 'off';
  parser.option(name, {
    describe: spec.describe,
    group: spec.group,
    hidden,
    ...(isSwitch ? { boolean: true } : { requiresArg: true }),
    ...(spec.choices === undefined ? {} : { choices: spec.choices }),
    ...(spec.standard === undefined ? {} : { defaultDescription: spec.standard }),
  });
  if (spec.kind === 'off') parser.option(POSITIVE[name as keyof typeof POSITIVE], { boolean: true, hidden: true });
}

async function readFlags(command: Command, values: Values): Promise<Given> {
  // zod is not needed to show help, and takes a third of its time.
  const { check } = await import('./schema.js');
  const raw: Record<string, unknown> = {};
  const names = new Map<string, string>();
  for (const name of [...command.options, ...(command.silent ?? [])]) {
    const spec: OptionSpec = OPTIONS[name];
    const value = values[name];
    if (spec.kind === 'off') {
      const positive = values[POSITIVE[name as keyof typeof POSITIVE]];
      if (value !== undefined || positive !== undefined) raw[spec.key] = positive ?? value !== true;
    } else if (value !== undefined) {
      raw[spec.key] = spec.kind === 'switch' ? lastOf(value) : readFlag(name, spec, value);
    }
    names.set(spec.key, `--${name}`);
  }
  return check(raw, { kind: 'flags', name: (key) => names.get(key.split('.')[0] ?? key) ?? key });
}

/** A list may be given several times; anything else only once. */
function readFlag(name: string, spec: OptionSpec, value: unknown): unknown {
  const texts = (Array.isArray(value) ? value : [value]).map(String);
  if (spec.kind === 'list') return texts.flatMap((text) => readValue('list', text));
  if (spec.kind === 'widths') return readValue('widths', texts.join(','));
  if (texts.length > 1)
    throw new UsageError(`--${name} is given ${texts.length} times; one value is expected.`, {
      hint: 'Give it once.',
    });
  return readValue(spec.kind, texts[0] ?? '');
}

function lastOf(value: unknown): unknown {
  return Array.isArray(value) ? value.at(-1) : value;
}

/** `--k_min=2` is `--k-min=2`. */
function kebab(word: string): string {
  if (!word.startsWith('--')) return word;
  const [name = '', ...rest] = word.split('=');
  return [name.replaceAll('_', '-'), ...rest].join('=');
}

function usageError(failure: unknown, words: readonly string[], commands: readonly Command[]): unknown {
  const message = failure instanceof Error ? failure.message : String(failure);
  const command = commands.find((c) => nameOf(c) === words.find((word) => !word.startsWith('-')));
  const help =
    command === undefined ? 'tdc --help lists the commands.' : `tdc ${nameOf(command)} --help lists the options.`;
  const unknown = /^Unknown arguments?: (.*)$/u.exec(message)?.[1]?.split(', ')[0];
  if (unknown !== undefined) return unknownWord(unknown, words, command, commands, help);
  const missing = /^Not enough arguments following: (.*)$/u.exec(message)?.[1];
  if (missing !== undefined) return new UsageError(`--${missing} needs a value.`, { hint: help });
  if (message.startsWith('Invalid values:')) {
    const [, name = '', given = '', choices = ''] = /Argument: (.*), Given: (.*), Choices: (.*)$/u.exec(message) ?? [];
    return new UsageError(`--${name} expects one of ${choices.replaceAll('"', '')}, received ${given}.`, {
      hint: help,
    });
  }
  if (failure instanceof Error && failure.name !== 'YError') return failure;
  return new UsageError(message, { hint: help });
}

function unknownWord(
  word: string,
  words: readonly string[],
  command: Command | undefined,
  commands: readonly Command[],
  help: string,
): UsageError {
  const [first = ''] = words;
  const isBefore = command === undefined && first.startsWith('-');
  if (isBefore && Object.keys(OPTIONS).includes(word)) {
    return new UsageError('Which command?', { hint: `--${word} stands behind a command. ${help}` });
  }
  // options of no command are all unknown to yargs: what is wrong is the command
  if (command === undefined && !isBefore && first !== word) {
    return unknownWord(first, words, command, commands, help);
  }
  const isOption = words.some((w) => w === `--${word}` || w === `-${word}` || w.startsWith(`--${word}=`));
  if (!isOption && command !== undefined)
    return new UsageError(`tdc ${nameOf(command)} does not expect "${word}".`, { hint: help });
  const known: readonly string[] = isOption ? (command?.options ?? Object.keys(OPTIONS)) : commands.map(nameOf);
  const near = nearest(word, known);
  const dashes = isOption ? (word.length === 1 ? '-' : '--') : '';
  const kind = isOption ? 'option' : 'command';
  return new UsageError(`Unknown ${kind} ${dashes}${word}.`, {
    hint: near === undefined ? help : `Did you mean ${isOption ? '--' : ''}${near}? ${help}`,
  });
}

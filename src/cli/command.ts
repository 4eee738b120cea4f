import type { RunContext } from '../pipeline/types.js';
import type { Given, OptionName } from './options.js';
import type { Printer } from './printer.js';
import type { World } from './world.js';

/** One command: what it is called and takes, and what it does. */
export interface Command {
  /** `sweep [model]` */
  readonly usage: string;
  readonly describe: string;
  /** What stands behind the command's name, and what it means. */
  readonly positional?: { readonly name: 'model' | 'run'; readonly describe: string };
  readonly options: readonly OptionName[];
  /** Taken, so that a script may pass them to every command, but without a meaning here. */
  readonly silent?: readonly OptionName[];
  /** False: the configuration file is not read. */
  readonly readsConfig?: false;
  readonly examples: readonly (readonly [command: string, says: string])[];
  /** Loads, makes one call of the library, saves and prints. Errors are thrown; a number is an exit code other than 0. */
  run(call: Call): Promise<number | void>;
}

export interface Call {
  /** Flags over environment over configuration file; without defaults. */
  readonly given: Given;
  /** The run folder that stands behind `report`. */
  readonly run?: string;
  readonly world: World;
  readonly context: RunContext;
  readonly printer: Printer;
}

/** `sweep` from `sweep [model]`. */
export function nameOf(command: Command): string {
  return command.usage.split(' ')[0] ?? command.usage;
}

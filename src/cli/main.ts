import type { Command } from './command.js';
import { compressCommand } from './commands/compress.js';
import { compareSvdCommand } from './commands/compare-svd.js';
import { doctorCommand } from './commands/doctor.js';
import { initCommand } from './commands/init.js';
import { inspectCommand } from './commands/inspect.js';
import { recommendCommand } from './commands/recommend.js';
import { reportCommand } from './commands/report.js';
import { retrainCommand } from './commands/retrain.js';
import { sweepCommand } from './commands/sweep.js';
import { createContext } from './context.js';
import type { Given } from './options.js';
import { createPrinter, describeError } from './printer.js';
import { liveProgress, plainProgress, quietProgress, type Progress } from './progress.js';
import type { World } from './world.js';

const COMMANDS: readonly Command[] = [
  inspectCommand,
  retrainCommand,
  sweepCommand,
  compareSvdCommand,
  recommendCommand,
  compressCommand,
  reportCommand,
  initCommand,
  doctorCommand,
];

/**
 * Runs one command line.
 *
 * @returns the exit code: 0 done, 1 unexpected, 2 usage, 3 input, 4 backend, 5 gate, 130 interrupted
 */
export async function run(world: World): Promise<number> {
  const interrupt = new AbortController();
  const ignoreInterrupts = world.onInterrupt(() => interrupt.abort());
  let progress: Progress | undefined;
  let printer = createPrinter(world, { json: wantsJson(world), quiet: false });
  try {
    const { parseArguments } = await import('./parse.js');
    const parsed = await parseArguments(world.argv, COMMANDS);
    if ('text' in parsed) {
      world.stdout.write(parsed.text);
      return 0;
    }
    const given = await gather(parsed.command, parsed.flags, world);
    printer = createPrinter(world, { json: given.json === true, quiet: given.quiet === true });
    progress = await createProgress(world, given.quiet === true);
    const context = createContext(world, progress.onEvent, interrupt.signal);
    const exitCode = await parsed.command.run({
      given,
      ...(parsed.run === undefined ? {} : { run: parsed.run }),
      world,
      context,
      printer,
    });
    return exitCode ?? 0;
  } catch (error) {
    progress?.stop();
    if (interrupt.signal.aborted) return interrupted(world, printer.json);
    printer.error(error);
    return describeError(error).exitCode;
  } finally {
    progress?.stop();
    ignoreInterrupts();
  }
}

/** Flag over environment over file. */
async function gather(command: Command, flags: Given, world: World): Promise<Given> {
  const { readEnvironment } = await import('./environment.js');
  const { readConfig } = await import('./config.js');
  const environment = readEnvironment(world.env);
  for (const name of environment.unknown)
    world.stderr.write(`warning  ${name} in the environment is not an option of tdc.\n`);
  if (command.readsConfig === false) return { ...environment.given, ...flags };
  const isQuiet = (flags.quiet ?? environment.given.quiet) === true;
  const config = await readConfig(world.cwd, flags.config ?? environment.given.config, (file) => {
    if (!isQuiet) world.stderr.write(`configuration ${file}\n`);
  });
  return { ...config, ...environment.given, ...flags };
}

async function createProgress(world: World, quiet: boolean): Promise<Progress> {
  if (quiet) return quietProgress(world);
  return world.terminal === undefined ? plainProgress(world) : liveProgress(world, world.terminal);
}

/** Before the command line is understood, an error must already know its form. */
function wantsJson({ argv, env }: World): boolean {
  return argv.includes('--json') || argv.includes('--json=true') || ['1', 'true'].includes(env['TDC_JSON'] ?? '');
}

function interrupted(world: World, json: boolean): number {
  const message = 'Interrupted; everything finished so far is kept.';
  if (json) world.stdout.write(`${JSON.stringify({ error: { code: 'interrupted', message, hint: null } }, null, 2)}\n`);
  world.stderr.write(`${message}\n`);
  return 130;
}

import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { UsageError } from '../../errors.js';
import type { Command } from '../command.js';
import { runFolder } from '../runFolder.js';

export const reportCommand: Command = {
  usage: 'report [run]',
  describe: 'Renders the records of a run again: report.html, summary.md, scree.svg',
  positional: { name: 'run', describe: 'Run folder, such as reports/my-model' },
  options: ['config', 'out', 'json', 'quiet'],
  silent: ['force', 'seed'],
  examples: [
    ['tdc report', 'the run of the configured model'],
    ['tdc report reports/my-model', 'a run folder'],
  ],
  run: async ({ given, run, world, context, printer }) => {
    const folder = run ?? (await runFolder(given, world.cwd));
    if (folder === undefined) {
      throw new UsageError('No run folder is named.', {
        hint: 'Name it behind the command: tdc report reports/my-model.',
      });
    }
    await refuseFile(resolve(world.cwd, folder), folder);
    const { runReport } = await world.loadPipeline();
    const result = await runReport(folder, context);
    const { sweep, compare, plan, run: record } = result;
    const { renderCompareTerminal, renderPlanTerminal, renderTerminal } = await import('../../report/terminal.js');
    printer.result(plan ?? sweep ?? compare ?? record, (style) => {
      if (plan !== undefined) return renderPlanTerminal(result, style);
      if (sweep !== undefined) return renderTerminal(result, style);
      return compare === undefined ? '' : renderCompareTerminal(result, style);
    });
    printer.wrote(result);
  },
};

/** A record's own path is easily taken for its run's. */
async function refuseFile(path: string, named: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || info.isDirectory()) return;
  throw new UsageError(`A run folder is expected, and ${named} is a file.`, {
    hint: `Name its folder: tdc report ${dirname(named)}.`,
  });
}

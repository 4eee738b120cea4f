import { TdcError } from '../../errors.js';
import type { Command } from '../command.js';
import { SHARED_OPTIONS, SWEEP_OPTIONS } from '../option-sets.js';
import { runOptions } from '../settings.js';

export const sweepCommand: Command = {
  usage: 'sweep [model]',
  describe: 'Loss for kept widths k of every layer: the scree report',
  positional: { name: 'model', describe: 'Folder with a model.json, or that file' },
  options: [...SWEEP_OPTIONS, 'axis', ...SHARED_OPTIONS],
  examples: [
    ['tdc sweep', 'model and data of the configuration'],
    ['tdc sweep my/model --data my.csv --target price', 'the column to predict is price'],
    ['tdc sweep --no-retrain --metric accuracy', 'the weights as they are'],
    ['tdc sweep --layers "conv*" --exclude conv_1', 'some layers only'],
  ],
  run: async ({ given, world, context, printer }) => {
    const options = runOptions(given);
    const { runSweep } = await world.loadPipeline();
    const result = await runSweep(options, context);
    const { sweep, retrain, run } = result;
    if (sweep === undefined) throw new TdcError('unexpected', 1, 'The sweep left no record.');
    const { renderTerminal } = await import('../../report/terminal.js');
    printer.result(sweep, (style) =>
      renderTerminal({ sweep, ...(retrain === undefined ? {} : { retrain }), run }, style),
    );
    printer.wrote(result);
    printer.next('tdc recommend', 'widths that hold a budget together');
  },
};

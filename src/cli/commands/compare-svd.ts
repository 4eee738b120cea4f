import { TdcError } from '../../errors.js';
import type { Command } from '../command.js';
import { SHARED_OPTIONS, SWEEP_OPTIONS } from '../option-sets.js';
import { runOptions } from '../settings.js';

export const compareSvdCommand: Command = {
  usage: 'compare-svd [model]',
  describe: 'TailDropout, magnitude, SVD, PCA, whitened and K-FAC on one cost axis',
  positional: { name: 'model', describe: 'Folder with a model.json, or that file' },
  options: [...SWEEP_OPTIONS, 'axis', ...SHARED_OPTIONS],
  examples: [
    ['tdc compare-svd', 'every ordering, model and data of the configuration'],
    ['tdc compare-svd --bases tail,svd --axis macs', 'two orderings by multiply-adds'],
    ['tdc compare-svd --mode rank --no-retrain', 'factorings of the kernels as they are'],
  ],
  run: async ({ given, world, context, printer }) => {
    const options = runOptions(given);
    const { runCompare } = await world.loadPipeline();
    const result = await runCompare(options, context);
    const { compare, retrain, run } = result;
    if (compare === undefined) throw new TdcError('unexpected', 1, 'The comparison left no record.');
    const { renderCompareTerminal } = await import('../../report/terminal.js');
    printer.result(compare, (style) =>
      renderCompareTerminal({ compare, ...(retrain === undefined ? {} : { retrain }), run }, style),
    );
    printer.wrote(result);
  },
};

import { TdcError } from '../../errors.js';
import type { Command } from '../command.js';
import { PLAN_OPTIONS, SHARED_OPTIONS } from '../option-sets.js';
import { GATE_FAILED } from '../printer.js';
import { runOptions } from '../settings.js';

export const compressCommand: Command = {
  usage: 'compress [model]',
  describe: 'The smaller model of the plan: those very weights, parity checked',
  positional: { name: 'model', describe: 'Folder with a model.json, or that file' },
  options: [...PLAN_OPTIONS, 'estimate-batch-norm', ...SHARED_OPTIONS],
  examples: [
    ['tdc compress', "the run folder's plan, or a new one where there is none"],
    ['tdc compress --budget 0.03', 'a plan for another budget first'],
  ],
  run: async ({ given, world, context, printer }) => {
    const options = runOptions(given);
    const { runCompress } = await world.loadPipeline();
    const result = await runCompress(options, context);
    const { compress, plan, latency, gate } = result;
    if (compress === undefined) throw new TdcError('unexpected', 1, 'No smaller model was made.');
    const { renderCompressTerminal } = await import('../../report/terminal.js');
    const known = {
      ...(plan === undefined ? {} : { plan }),
      ...(latency === undefined ? {} : { milliseconds: latency.models }),
    };
    printer.result(compress, (style) => renderCompressTerminal(compress, style, known));
    printer.wrote(result);
    if (gate === undefined) return 0;
    printer.note(`gate   ${gate}`);
    return GATE_FAILED;
  },
};

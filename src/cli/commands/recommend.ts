import { TdcError } from '../../errors.js';
import type { Command } from '../command.js';
import { PLAN_OPTIONS, SHARED_OPTIONS } from '../option-sets.js';
import { GATE_FAILED } from '../printer.js';
import { runOptions } from '../settings.js';

export const recommendCommand: Command = {
  usage: 'recommend [model]',
  describe: 'The narrowest widths whose joint, measured loss holds a budget',
  positional: { name: 'model', describe: 'Folder with a model.json, or that file' },
  options: [...PLAN_OPTIONS, 'axis', ...SHARED_OPTIONS],
  examples: [
    ['tdc recommend --budget 0.01', '1 % more loss, model and data of the configuration'],
    ['tdc recommend --budget metric:0.005 --metric accuracy', 'half a point of accuracy'],
    ['tdc recommend --minimize macs --round-to 8', 'multiply-adds, widths in eights'],
    ['tdc recommend --baseline main/plan.json --strict', 'a gate for CI'],
  ],
  run: async ({ given, world, context, printer }) => {
    const options = runOptions(given);
    const { runRecommend } = await world.loadPipeline();
    const result = await runRecommend(options, context);
    const { plan, gate } = result;
    if (plan === undefined) throw new TdcError('unexpected', 1, 'The search left no plan.');
    const { renderPlanTerminal } = await import('../../report/terminal.js');
    printer.result(plan, (style) => renderPlanTerminal(result, style));
    printer.wrote(result);
    if (gate !== undefined) {
      printer.note(`gate   ${gate}`);
      return GATE_FAILED;
    }
    printer.next('tdc compress', 'write the smaller model');
    return 0;
  },
};

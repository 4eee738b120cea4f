import { TdcError } from '../../errors.js';
import type { Command } from '../command.js';
import { RETRAIN_OPTIONS, SHARED_OPTIONS } from '../option-sets.js';
import { retrainText } from '../retrainText.js';
import { runOptions } from '../settings.js';

export const retrainCommand: Command = {
  usage: 'retrain [model]',
  describe: 'Orders the features of every layer: TailDropout fine-tuning, with a control run',
  positional: { name: 'model', describe: 'Folder with a model.json, or that file' },
  options: [...RETRAIN_OPTIONS, ...SHARED_OPTIONS],
  examples: [
    ['tdc retrain my/model --data my.csv', 'order all layers that can be narrowed'],
    ['tdc retrain --layers "dense_*" --p 0.5', 'only some, and drop half on average'],
  ],
  run: async ({ given, world, context, printer }) => {
    const options = { ...runOptions(given), retrain: true };
    const { runRetrain } = await world.loadPipeline();
    const result = await runRetrain(options, context);
    const record = result.retrain;
    if (record === undefined) throw new TdcError('unexpected', 1, 'The retraining left no record.');
    printer.result(record, () => retrainText(record));
    printer.wrote(result);
    printer.next('tdc sweep', 'the loss for every kept width');
  },
};

import type { Command } from '../command.js';
import { inspectText } from '../inspectText.js';
import { modelOptions } from '../settings.js';

export const inspectCommand: Command = {
  usage: 'inspect [model]',
  describe: "What can shrink in a model: layers, parameters, multiply-adds, bytes; what can't, and why",
  positional: { name: 'model', describe: 'Folder with a model.json, or that file' },
  options: ['config', 'json', 'quiet'],
  silent: ['out', 'force', 'seed'],
  examples: [
    ['tdc inspect my/model', 'layers and width groups of a model'],
    ['tdc inspect my/model --json | jq .groups', 'the same for scripts'],
  ],
  run: async ({ given, world, context, printer }) => {
    const options = modelOptions(given);
    const { runInspect } = await world.loadPipeline();
    const record = await runInspect(options, context);
    printer.result(record, (style) => inspectText(record, style));
  },
};

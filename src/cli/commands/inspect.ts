import { resolve } from 'node:path';

import { saveNew } from '../../records/files.js';
import type { Command } from '../command.js';
import { inspectText } from '../inspectText.js';
import { GROUP_OPTIONS } from '../option-sets.js';
import { modelOptions } from '../settings.js';

export const inspectCommand: Command = {
  usage: 'inspect [model]',
  describe: "What can shrink in a model: layers, parameters, multiply-adds, bytes; what can't, and why",
  positional: { name: 'model', describe: 'Folder with a model.json, or that file' },
  options: [...GROUP_OPTIONS, 'config', 'svg', 'force', 'json', 'quiet'],
  silent: ['out', 'seed'],
  examples: [
    ['tdc inspect my/model', 'layers and width groups of a model'],
    ['tdc inspect my/model --svg graph.svg', 'its graph, the groups in colour'],
    ['tdc inspect my/model --layers "conv*"', 'some groups only'],
    ['tdc inspect my/model --json | jq .groups', 'the same for scripts'],
  ],
  run: async ({ given, world, context, printer }) => {
    const options = modelOptions(given);
    const { runInspect } = await world.loadPipeline();
    const { record, svg } = await runInspect(options, context);
    if (given.svg !== undefined) await saveNew(resolve(context.cwd, given.svg), svg, options.force);
    printer.result(record, (style) => inspectText(record, style));
  },
};

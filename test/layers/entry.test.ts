import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../src');

describe('taildropout/layers', () => {
  it('needs @tensorflow/tfjs alone, so that a browser can load it', () => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
        if (target.startsWith('.')) visit(resolve(dirname(file), target.replace(/\.js$/, '.ts')));
        else packages.add(target);
      }
    };
    visit(join(SRC, 'layers/index.ts'));
    expect([...packages]).toEqual(['@tensorflow/tfjs']);
    const rooms = new Set(Array.from(seen, (file) => relative(SRC, file).split(/[\\/]/)[0]));
    expect([...rooms].sort()).toEqual(['errors.ts', 'layers', 'random']);
    // every file of the room is part of the entry: nothing lies beside it unread
    expect(readdirSync(join(SRC, 'layers')).every((name) => seen.has(join(SRC, 'layers', name)))).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';

import {
  clean,
  escapeFence,
  escapeJson,
  escapeMarkdown,
  escapeXml,
  shorten,
  slug,
  uniqueSlugs,
} from '../../src/report/escape.js';

describe('clean', () => {
  it.each([
    ['a\nb\tc', 'a b c'],
    ['a\u0000b\u001b[31m', 'a\ufffdb\ufffd[31m'],
    ['\u202eevil\u2066', '\ufffdevil\ufffd'],
    ['half \ud83d', 'half \ufffd'],
    ['whole 😀', 'whole 😀'],
    ['שכבה', 'שכבה'],
  ])('makes one visible line of %j', (text, expected) => {
    expect(clean(text)).toBe(expected);
  });
});

it('escapes all that ends text or an attribute', () => {
  expect(escapeXml(`</script><img onerror="x" alt='&'>`)).toBe(
    '&lt;/script&gt;&lt;img onerror=&quot;x&quot; alt=&#39;&amp;&#39;&gt;',
  );
});

it('leaves no < in embedded JSON and keeps its value', () => {
  const value = { name: '</script><!--' };
  expect(escapeJson(value)).not.toMatch(/[<>]/u);
  expect(JSON.parse(escapeJson(value))).toEqual(value);
});

it.each(['a|b', '`code`', '<b>', '*bold*', '_x_', '[link](http://x)', '#1', '~~x~~', '\\'])(
  'leaves no Markdown punctuation of %s as it is',
  (text) => {
    expect(escapeMarkdown(text).replace(/&#\d+;/gu, '')).not.toMatch(/[|`<>*_[\]()#~\\]/u);
  },
);

it('breaks what a forge turns into a mention, a reference or a link', () => {
  expect(escapeMarkdown('@here #12 www.x.y')).toBe('&#64;\u2060here &#35;\u206012 www\u2060.x.y');
});

it('lets nothing end a fenced block', () => {
  expect(escapeFence('```\n# boo')).toBe("''' # boo");
});

it('shortens in the middle, by characters', () => {
  expect(shorten('abcdefghij', 5)).toBe('ab…ij');
  expect(shorten('😀😀😀😀', 3)).toBe('😀…😀');
  expect(shorten('abc', 3)).toBe('abc');
});

it.each([
  ['../../etc/passwd', 'etc-passwd'],
  ['encoder/dense_1', 'encoder-dense_1'],
  ['CON', 'con'],
  ['<b>', 'b'],
  ['שכבה', 'unnamed'],
  ['--> x', 'x'],
  ['x'.repeat(200), 'x'.repeat(60)],
])('makes a safe file name of %s', (text, expected) => {
  expect(slug(text)).toBe(expected);
});

it('keeps file names apart where names differ only in what is unsafe or in case', () => {
  expect(uniqueSlugs(['a/b', 'a-b', 'A B', 'ב', 'ג'])).toEqual(['a-b', 'a-b-2', 'a-b-3', 'unnamed', 'unnamed-2']);
});

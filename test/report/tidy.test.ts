import { expect, it } from 'vitest';

import { tidySvg } from '../../src/report/tidy.js';

const tidy = (inner: string): string =>
  tidySvg(`<svg xmlns="x"><rect width="1" height="1" fill="white"/>${inner}</svg>`, 'p');

it('rounds coordinates to a tenth and drops roles, classes and what is not seen', () => {
  expect(
    tidy(
      '<g class="mark-rule" role="graphics-object" aria-roledescription="x"><line transform="translate(0.1234,2.06)" x2="0" y2="3" stroke="#000" opacity="1"/></g>' +
        '<path class="background" aria-hidden="true" d="M0,0h1"/><path d="M0,0" opacity="0"/><g><text x="1"/></g>',
    ),
  ).toBe('<line transform="translate(0.1,2.1)" y2="3" stroke="#000"/>');
});

it('hands down what all children share', () => {
  expect(tidy('<g transform="translate(1,2)"><line stroke="#000" x2="1"/><line stroke="#000" x2="2"/></g>')).toBe(
    '<g transform="translate(1,2)" stroke="#000"><line x2="1"/><line x2="2"/></g>',
  );
});

it('joins a run of equal circles into one path of dots', () => {
  expect(tidy(`<g>${[1, 2, 3, 4, 5, 6].map(circle).join('')}</g>`)).toBe(
    '<path d="M1,5h0M2,5h0M3,5h0M4,5h0M5,5h0M6,5h0" stroke="#123456" stroke-width="3" stroke-linecap="round"/>',
  );
});

it('joins equal symbols at several places into one path, relative to each', () => {
  const triangle = 'M0,2.2L-2.5,-2.2L2.6,-2.2Z';
  expect(tidy(`<g>${at(10, triangle)}${at(20.5, triangle)}</g>`)).toBe(
    '<path d="M10,7.2l-2.5,-4.4l5.1,0zM20.5,7.2l-2.5,-4.4l5.1,0z" fill="#123456"/>',
  );
  const square = 'M-2.5,-2.5h5.1v5.1h-5.1Z';
  expect(tidy(`<g>${at(1, square)}${at(2, square)}</g>`)).toContain('d="M-1.5,2.5h5.1v5.1h-5.1zM-0.5,2.5h5.1');
  expect(tidy(`<g>${at(1, square)}${at(2, triangle)}</g>`)).toContain('translate(2,5)');
});

it('leaves a circle with an outline a circle', () => {
  const hollow = [1, 2, 3, 4, 5, 6].map((x) => circle(x).replace('/>', ' stroke="#000" stroke-width="1.4"/>'));
  expect(tidy(`<g>${hollow.join('')}</g>`).match(/<path/gu)).toHaveLength(6);
});

it('keeps escaped text escaped and makes ids unique to the chart', () => {
  expect(tidy('<text fill="#000">&lt;b&gt; &amp;</text>')).toBe('<text fill="#000">&lt;b&gt; &amp;</text>');
  expect(tidy('<clipPath id="clip1"/><path d="M0,0" clip-path="url(#clip1)"/>')).toContain('id="p-clip1"');
  expect(tidy('<path d="M0,0" clip-path="url(#clip1)"/>')).toContain('url(#p-clip1)');
});

function circle(x: number): string {
  return `<path transform="translate(${x},5)" d="M1.5,0A1.5,1.5,0,1,1,-1.5,0A1.5,1.5,0,1,1,1.5,0" fill="#123456"/>`;
}

function at(x: number, d: string): string {
  return `<path transform="translate(${x},5)" d="${d}" fill="#123456"/>`;
}

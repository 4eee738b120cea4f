import { word } from './control';

// words 40..54 of the control block
// @ts-ignore: decorator
@inline export function B(): i32 { return word(40); }
// @ts-ignore: decorator
@inline export function H(): i32 { return word(41); }
// @ts-ignore: decorator
@inline export function W(): i32 { return word(42); }
// @ts-ignore: decorator
@inline export function C(): i32 { return word(43); }
// @ts-ignore: decorator
@inline export function OH(): i32 { return word(44); }
// @ts-ignore: decorator
@inline export function OW(): i32 { return word(45); }
// @ts-ignore: decorator
@inline export function KH(): i32 { return word(46); }
// @ts-ignore: decorator
@inline export function KW(): i32 { return word(47); }
// @ts-ignore: decorator
@inline export function SH(): i32 { return word(48); }
// @ts-ignore: decorator
@inline export function SW(): i32 { return word(49); }
// @ts-ignore: decorator
@inline export function DH(): i32 { return word(50); }
// @ts-ignore: decorator
@inline export function DW(): i32 { return word(51); }
// @ts-ignore: decorator
@inline export function OC(): i32 { return word(52); }
// @ts-ignore: decorator
@inline export function TOP(): i32 { return word(53); }
// @ts-ignore: decorator
@inline export function LEFT(): i32 { return word(54); }

/** How the rows or columns of a matrix operand are addressed. */
export const PLAIN = 0; // a constant stride
export const PIXEL = 1; // output pixels of a convolution: where their window begins in the (padded) image
export const TAP = 2; // taps of the filter, channel by channel: offset inside a window

/** Writes the element offsets of rows (or columns) first, first + 1, … */
export function offsets(to: usize, kind: i32, stride: i32, first: i32, count: i32): void {
  if (kind == PLAIN) {
    for (let i = 0; i < count; i++) store<i32>(to + ((<usize>i) << 2), (first + i) * stride);
  } else if (kind == PIXEL) pixels(to, first, count);
  else taps(to, first, count);
}

function pixels(to: usize, first: i32, count: i32): void {
  const ow = OW(), oh = OH(), w = W(), h = H(), c = C(), sh = SH(), sw = SW();
  let x = first % ow, rest = first / ow;
  let y = rest % oh, b = rest / oh;
  for (let i = 0; i < count; i++) {
    store<i32>(to + ((<usize>i) << 2), ((b * h + y * sh) * w + x * sw) * c);
    if (++x == ow) {
      x = 0;
      if (++y == oh) {
        y = 0;
        b++;
      }
    }
  }
}

function taps(to: usize, first: i32, count: i32): void {
  const c = C(), kw = KW(), w = W(), dh = DH(), dw = DW();
  let channel = first % c, rest = first / c;
  let fx = rest % kw, fy = rest / kw;
  for (let i = 0; i < count; i++) {
    store<i32>(to + ((<usize>i) << 2), (fy * dh * w + fx * dw) * c + channel);
    if (++channel == c) {
      channel = 0;
      if (++fx == kw) {
        fx = 0;
        fy++;
      }
    }
  }
}

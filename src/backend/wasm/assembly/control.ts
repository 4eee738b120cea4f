/**
 * The control block, shared by all threads. Words (4 bytes each):
 *  0 generation: counts operations, workers sleep on it    1 open: whether its tasks may be taken
 *  2 workers inside    3 next task    4 tasks    5 operation, -1 ends the workers    6 threads    7 spins before sleeping
 *  8 scratch memory    9 bytes of scratch per thread
 * 16..39 arguments of the operation    40..54 geometry of a convolution or pooling
 */
let control: usize = 0;

export function setControl(address: usize): void {
  control = address;
}

// @ts-ignore: decorator
@inline
export function wordAt(index: i32): usize {
  return control + ((<usize>index) << 2);
}

// @ts-ignore: decorator
@inline
export function word(index: i32): i32 {
  return load<i32>(wordAt(index));
}

// @ts-ignore: decorator
@inline
export function pointer(index: i32): usize {
  return <usize>load<u32>(wordAt(index));
}

// @ts-ignore: decorator
@inline
export function number(index: i32): f32 {
  return load<f32>(wordAt(index));
}

/** A float's address: base + index * 4. */
// @ts-ignore: decorator
@inline
export function at(base: usize, index: i32): usize {
  return base + ((<usize>index) << 2);
}

export function scratchOf(thread: i32): usize {
  return pointer(8) + <usize>thread * pointer(9);
}

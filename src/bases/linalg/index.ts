export { matrixOf, transpose, type Matrix } from './matrix.js';
export { multiply, rowGram, timesTransposed } from './products.js';
export { eigSymmetric, powersOf, type Eigen, type Power } from './eig.js';
export { singularValues, svdTop, type Svd, type SvdRoute } from './svd.js';

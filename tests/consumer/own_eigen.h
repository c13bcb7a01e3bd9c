// SPDX-License-Identifier: MIT
// Products by an Eigen of the user's own, compiled for another instruction set than wick's.
#pragma once

/// The sum of the elements of a product of two n x n matrices whose elements are all 1: n cubed.
double sum_of_own_product(int n);

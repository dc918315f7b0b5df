//! The normal distribution.

use std::f64::consts::SQRT_2;

/// Returns the probability that a standard normal variable is at least as far from 0 as `z`, on either side: `erfc(|z|
/// / √2)`. Beyond some 38 standard deviations it is less than any double, and 0.
pub(super) fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_that_tables_print_have_their_probabilities() {
        for (z, p) in
            [(0.0, 1.0), (1.644_853_626_951_47, 0.1), (1.959_963_984_540_05, 0.05), (2.575_829_303_548_9, 0.01)]
        {
            assert!((two_sided_p(z) - p).abs() < 1e-14, "{z}");
            assert_eq!(two_sided_p(-z).to_bits(), two_sided_p(z).to_bits());
        }
        // 1 - Φ(10) = 7.619853024160495e-24: lost to rounding in 1 minus a distribution function.
        assert!((two_sided_p(10.0) / (2.0 * 7.619_853_024_160_495e-24) - 1.0).abs() < 1e-12);
        assert_eq!(two_sided_p(40.0), 0.0);
    }
}

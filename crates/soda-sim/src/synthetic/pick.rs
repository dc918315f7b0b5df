//! Choices by weight.

use rand::RngExt;
use rand::rngs::StdRng;

/// A choice among numbered things, each as likely as its weight.
pub(crate) struct Weighted {
    sums: Vec<u64>,
}

impl Weighted {
    pub(crate) fn new(weights: impl IntoIterator<Item = u32>) -> Weighted {
        let sums = weights
            .into_iter()
            .scan(0_u64, |sum, weight| {
                *sum += u64::from(weight);
                Some(*sum)
            })
            .collect();
        Weighted { sums }
    }

    /// Draws an entry, and returns its number.
    pub(crate) fn pick(&self, rng: &mut StdRng) -> usize {
        let total = self.sums.last().copied().unwrap_or(0).max(1);
        let drawn = rng.random_range(0..total);
        self.sums.partition_point(|sum| *sum <= drawn).min(self.sums.len().saturating_sub(1))
    }
}

/// Draws an entry of a list, all equally likely.
pub(crate) fn one<'t>(rng: &mut StdRng, list: &[&'t str]) -> &'t str {
    list[rng.random_range(0..list.len())]
}

/// Returns true with a probability of `chance` in a thousand.
pub(crate) fn permille(rng: &mut StdRng, chance: u32) -> bool {
    rng.random_range(0..1_000) < chance
}

/// Draws from a normal distribution with mean 0 and deviation 1.
pub(crate) fn normal(rng: &mut StdRng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

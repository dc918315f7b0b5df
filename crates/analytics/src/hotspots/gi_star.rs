//! The local statistic Gi* in its standardised form: Getis, A. & Ord, J. K. (1992), "The analysis of spatial
//! association by use of distance statistics", Geographical Analysis 24, 189-206; Ord, J. K. & Getis, A. (1995), "Neighborhood
//! spatial autocorrelation statistics: distributional issues and an application", Geographical Analysis 27, 286-306.

/// The neighbourhood of a cell, the cell itself included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Neighborhood {
    /// How many cells of the study area.
    pub(super) cells: u32,
    /// Their counts together.
    pub(super) count: i64,
}

/// The study area: totals over its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct StudyAreaTotals {
    cells: i128,
    count: i128,
    /// `n Σx² - (Σx)²`: `n²` times the variance of the counts.
    spread: i128,
}

impl StudyAreaTotals {
    /// Creates the study area with these counts, one per cell.
    pub(super) fn of(counts: &[i64]) -> Self {
        let cells = counts.len() as i128;
        let count: i128 = counts.iter().map(|count| i128::from(*count)).sum();
        let squares: i128 = counts.iter().map(|count| i128::from(*count).pow(2)).sum();
        Self { cells, count, spread: cells * squares - count.pow(2) }
    }

    /// Returns how many standard deviations the counts in a neighbourhood are above their expected value if all counts
    /// of the study area were distributed to its cells at random. With binary weights, of which `W` are 1 among `n`
    /// cells:
    ///
    /// `z = (Σ w x - W x̄) / (s √((n W - W²) / (n - 1)))`, `x̄ = Σx / n`, `s² = Σx² / n - x̄²`
    ///
    /// `None` if that is 0 by 0: all counts are the same, or the neighbourhood is the complete study area. Sums are
    /// integers until the last step, so neither the order of cells nor a constant added to all counts changes a digit.
    pub(super) fn z(&self, local: Neighborhood) -> Option<f64> {
        let inside = i128::from(local.cells);
        let pairs = inside * (self.cells - inside);
        if self.spread == 0 || pairs == 0 {
            return None;
        }
        let excess = self.cells * i128::from(local.count) - inside * self.count;
        let variance = self.spread as f64 * (pairs as f64 / (self.cells - 1) as f64);
        Some(excess as f64 / variance.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the statistics of cells in a row, each with its neighbours up to `reach`.
    fn in_a_row(counts: &[i64], reach: usize) -> Vec<Option<f64>> {
        let whole = StudyAreaTotals::of(counts);
        let local = |at: usize| {
            let near = &counts[at.saturating_sub(reach)..counts.len().min(at + reach + 1)];
            Neighborhood { cells: u32::try_from(near.len()).expect("few"), count: near.iter().sum() }
        };
        (0..counts.len()).map(|at| whole.z(local(at))).collect()
    }

    #[test]
    fn five_cells_in_a_row_have_the_statistics_that_a_pencil_finds() {
        // x̄ = 10/5 = 2, s² = 38/5 - 4 = 3.6; the first cell: (5 + 3 - 2·2) / √(3.6 · (5·2 - 4) / 4) = 4 / √5.4.
        let pencil = [4.0 / 5.4_f64.sqrt(), 2.0 / 5.4_f64.sqrt(), -1.0 / 5.4_f64.sqrt(), -4.0 / 5.4_f64.sqrt()];
        let z = in_a_row(&[5, 3, 0, 2, 0], 1);
        for (z, pencil) in z.iter().zip(pencil.into_iter().chain([-2.0 / 5.4_f64.sqrt()])) {
            assert!((z.expect("a statistic") - pencil).abs() < 1e-12, "{z:?} {pencil}");
        }
    }

    #[test]
    fn the_formula_of_the_paper_step_by_step_says_the_same() {
        let counts = [12_i64, 0, 7, 7, 1, 30, 2, 0, 0, 5];
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<i64>() as f64 / n;
        let deviation = (counts.iter().map(|x| (*x as f64).powi(2)).sum::<f64>() / n - mean * mean).sqrt();
        for reach in 1..5 {
            for (at, z) in in_a_row(&counts, reach).into_iter().enumerate() {
                let weight = |other: usize| f64::from(u8::from(other.abs_diff(at) <= reach));
                let weights: f64 = (0..counts.len()).map(weight).sum();
                let sum: f64 = (0..counts.len()).map(|other| weight(other) * counts[other] as f64).sum();
                let whole = deviation * ((n * weights - weights * weights) / (n - 1.0)).sqrt();
                match z {
                    Some(z) => assert!((z - (sum - weights * mean) / whole).abs() < 1e-12, "{at} {reach}"),
                    None => assert_eq!(weights, n, "{at} {reach}"),
                }
            }
        }
    }

    #[test]
    fn what_has_no_variance_has_no_statistic() {
        assert_eq!(in_a_row(&[], 1), []);
        assert_eq!(in_a_row(&[7], 1), [None], "one cell is all of its study area");
        assert_eq!(in_a_row(&[4, 4, 4, 4, 4, 4], 1), [None; 6]);
        assert_eq!(in_a_row(&[0; 6], 1), [None; 6]);
        assert_eq!(in_a_row(&[1, 5, 2], 2), [None; 3], "every cell has all others for neighbours");
        assert!(in_a_row(&[1, 5, 2, 0], 2).iter().filter(|z| z.is_some()).count() == 2);
    }

    proptest! {
        #[test]
        fn a_constant_added_to_all_counts_changes_nothing_and_a_factor_next_to_nothing(
            counts in prop::collection::vec(0_i64..1_000, 2..60), reach in 1_usize..4, factor in 2_i64..1_000,
        ) {
            let plain = in_a_row(&counts, reach);
            let shifted: Vec<i64> = counts.iter().map(|count| count + factor).collect();
            prop_assert_eq!(&in_a_row(&shifted, reach), &plain);
            let scaled: Vec<i64> = counts.iter().map(|count| count * factor).collect();
            for (scaled, plain) in in_a_row(&scaled, reach).into_iter().zip(plain) {
                prop_assert_eq!(scaled.is_some(), plain.is_some());
                prop_assert!((scaled.unwrap_or(0.0) - plain.unwrap_or(0.0)).abs() < 1e-9);
            }
        }

        #[test]
        fn the_order_of_cells_changes_nothing(
            counts in prop::collection::vec(0_i64..1_000, 2..60), reach in 1_usize..4,
        ) {
            let turned: Vec<i64> = counts.iter().rev().copied().collect();
            let mut back = in_a_row(&turned, reach);
            back.reverse();
            prop_assert_eq!(back, in_a_row(&counts, reach));
        }

        #[test]
        fn no_statistic_is_ever_other_than_a_number(
            counts in prop::collection::vec(0_i64..1_000_000_000_000, 0..40), reach in 0_usize..50,
        ) {
            prop_assert!(in_a_row(&counts, reach).into_iter().flatten().all(f64::is_finite));
        }
    }
}

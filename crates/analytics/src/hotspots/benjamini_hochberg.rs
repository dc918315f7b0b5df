//! Many tests at once: Benjamini, Y. & Hochberg, Y. (1995), "Controlling the false discovery rate: a practical and
//! powerful approach to multiple testing", Journal of the Royal Statistical Society B 57, 289-300.

/// Returns the adjusted p values. Of those that are at most `alpha`, on average at most the fraction `alpha` is false,
/// if the tests are independent or depend on each other positively. A cell that was not tested has no p, and does not
/// count as a test.
///
/// With the p values in ascending order `p(1)` to `p(m)`, the adjusted `p(i)` is the least of `p(j) m/j` over all
/// `j >= i`, and at most 1.
pub(super) fn adjust_p_values(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut tested: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(at, p)| Some((at, (*p)?))).collect();
    tested.sort_unstable_by(|(_, one), (_, other)| one.total_cmp(other));
    let mut adjusted = vec![None; p.len()];
    let tests = tested.len() as f64;
    let mut least = 1.0_f64;
    for (before, (at, p)) in tested.into_iter().enumerate().rev() {
        least = least.min(p * (tests / (before + 1) as f64));
        adjusted[at] = Some(least);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 1 of the paper's example: fifteen comparisons in a trial of thrombolysis.
    const PAPER: [f64; 15] = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0000,
    ];

    fn all(p: &[f64]) -> Vec<f64> {
        let p: Vec<Option<f64>> = p.iter().copied().map(Some).collect();
        adjust_p_values(&p).into_iter().map(|p| p.expect("an adjusted p")).collect()
    }

    #[test]
    fn the_four_hypotheses_that_the_paper_rejects_are_rejected() {
        let adjusted = all(&PAPER);
        assert_eq!(adjusted.iter().filter(|p| **p <= 0.05).count(), 4);
        for (adjusted, by_hand) in adjusted.iter().zip([0.0015, 0.003, 0.0095, 0.035_625, 0.0603, 0.063_857_142_857]) {
            assert!((adjusted - by_hand).abs() < 1e-9, "{adjusted} {by_hand}");
        }
        assert_eq!(adjusted[14], 1.0);
    }

    #[test]
    fn no_order_of_tests_matters_and_the_adjusted_are_in_the_order_of_the_others() {
        let turned: Vec<f64> = PAPER.iter().rev().copied().collect();
        let mut back = all(&turned);
        back.reverse();
        assert_eq!(back, all(&PAPER));
        let adjusted = all(&PAPER);
        assert!(adjusted.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(adjusted.iter().zip(PAPER).all(|(adjusted, p)| *adjusted >= p && *adjusted <= 1.0));
    }

    #[test]
    fn what_was_not_tested_is_no_test() {
        assert_eq!(adjust_p_values(&[]), []);
        assert_eq!(adjust_p_values(&[None, None]), [None, None]);
        assert_eq!(adjust_p_values(&[None, Some(0.02), None, Some(0.9)]), [None, Some(0.04), None, Some(0.9)]);
        assert_eq!(all(&[0.3]), [0.3]);
        assert_eq!(all(&[0.2, 0.2, 0.2]), [0.2, 0.2, 0.2], "tests that say the same are adjusted the same");
    }
}

//! The trend of a series: Mann, H. B. (1945), "Nonparametric tests against trend", Econometrica 13, 245-259; Kendall,
//! M. G. (1975), "Rank correlation methods", 4th edition, London: Griffin; Sen, P. K. (1968), "Estimates of the
//! regression coefficient based on Kendall's tau", Journal of the American Statistical Association 63, 1379-1389.

use super::normal::two_sided_p;

/// The shortest series whose trend is computed: of three months no order at all is rare.
const LEAST: usize = 4;

/// The trend of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trend {
    /// Kendall's tau, `S` by the number of pairs: -1 where every later month has less, 1 where every later one has
    /// more.
    pub(super) tau: f64,
    /// `S` in standard deviations of its distribution under chance.
    pub(super) z: f64,
    /// The probability of a `z` at least as far from 0 where there is no trend.
    pub(super) p: f64,
    /// Sen's slope: the median of the slopes between all pairs of months; incidents per month.
    pub(super) slope: f64,
}

/// Returns the trend of `months` counts, all 0 but those in `counted`: a month's position in the series, and its count
/// above 0, in ascending order of months. `None` if there are fewer than four.
///
/// `S` is the number of pairs of months of which the later has more, less the number of those of which it has less. Its
/// variance is corrected for ties, groups of `t` months with the same count:
///
/// `(n (n - 1) (2 n + 5) - Σ t (t - 1) (2 t + 5)) / 18`
///
/// and `z` for continuity: `(|S| - 1) / √variance`, with the sign of `S`, and 0 for 0.
pub(super) fn mann_kendall(months: usize, counted: &[(usize, i64)]) -> Option<Trend> {
    if months < LEAST {
        return None;
    }
    let score = score(months, counted);
    let ties = ties(months, counted);
    let pairs = pairs(months);
    let weight = |t: i128| t * (t - 1) * (2 * t + 5);
    let variance = weight(months as i128) - ties.iter().map(|t| weight(*t as i128)).sum::<i128>();
    let z = match score {
        0 => 0.0,
        _ => (score - score.signum()) as f64 / (variance as f64 / 18.0).sqrt(),
    };
    let tied: i64 = ties.into_iter().map(self::pairs).sum();
    let fell = (pairs - tied - score) / 2;
    // In order, the slopes below 0 come first, then those of ties, then those above 0.
    let middle = [(pairs - 1) / 2, pairs / 2];
    let slope = match middle.iter().all(|middle| (fell..fell + tied).contains(middle)) {
        true => 0.0,
        false => median_slope(months, counted),
    };
    Some(Trend { tau: score as f64 / pairs as f64, z, p: two_sided_p(z), slope })
}

fn pairs(months: usize) -> i64 {
    i64::try_from(months).map_or(i64::MAX, |n| n.saturating_mul(n - 1) / 2)
}

/// Returns Kendall's `S`. A month of 0 has less than every counted one, and needs no comparison.
fn score(months: usize, counted: &[(usize, i64)]) -> i64 {
    let mut score = 0_i64;
    for (before, (month, count)) in counted.iter().enumerate() {
        let later = &counted[before + 1..];
        score += later.iter().map(|(_, other)| (other - count).signum()).sum::<i64>();
        let zeros_before = month - before;
        let zeros_after = (months - month - 1) - later.len();
        score += i64::try_from(zeros_before).unwrap_or(0) - i64::try_from(zeros_after).unwrap_or(0);
    }
    score
}

/// Returns how many months have each count.
fn ties(months: usize, counted: &[(usize, i64)]) -> Vec<usize> {
    let mut counts: Vec<i64> = counted.iter().map(|(_, count)| *count).collect();
    counts.sort_unstable();
    let zeros = months - counted.len();
    counts.chunk_by(|one, other| one == other).map(<[i64]>::len).chain((zeros > 0).then_some(zeros)).collect()
}

/// Returns the median of the slopes between all pairs. It is computed only if it may differ from 0, that is, if at
/// least a quarter of the months have a count; so the series is at most four times as long as the counts that were
/// read.
fn median_slope(months: usize, counted: &[(usize, i64)]) -> f64 {
    let mut series = vec![0.0_f64; months];
    for (month, count) in counted {
        series[*month] = *count as f64;
    }
    let mut slopes = Vec::with_capacity(months * (months - 1) / 2);
    for (at, earlier) in series.iter().enumerate() {
        slopes.extend(series[at + 1..].iter().zip(1_u32..).map(|(later, apart)| (later - earlier) / f64::from(apart)));
    }
    let (upper, even) = (slopes.len() / 2, slopes.len() % 2 == 0);
    let (below, middle, _) = slopes.select_nth_unstable_by(upper, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if even => f64::midpoint(lower, *middle),
        _ => *middle,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trend(series: &[i64]) -> Option<Trend> {
        let counted = series.iter().copied().enumerate().filter(|(_, count)| *count > 0);
        mann_kendall(series.len(), &counted.collect::<Vec<_>>())
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    #[test]
    fn four_months_have_the_trend_that_a_pencil_finds() {
        // Of six pairs five rise and one falls: S = 4, its variance 4·3·13/18 = 26/3; slopes -1, 2, 5/2, 10/3, 5, 6.
        let found = trend(&[10, 15, 14, 20]).expect("a trend");
        assert!(near(found.tau, 4.0 / 6.0) && near(found.z, 3.0 / (26.0_f64 / 3.0).sqrt()), "{found:?}");
        assert!(near(found.slope, f64::midpoint(2.5, 10.0 / 3.0)), "{found:?}");
        assert!(near(found.p, two_sided_p(found.z)));
    }

    #[test]
    fn ties_make_the_variance_smaller() {
        // Of fifteen pairs five rise, eight fall and two are ties: S = -3; 6·5·17 - 2 (2·1·9) = 474. The eighth slope
        // of -3, -3/2, -1, -2/3, -2/3, -1/2, -1/4, -1/5, 0, 0, 1/2, 1/2, 2/3, 1, 1 is the middle one.
        let found = trend(&[1, 2, 2, 3, 0, 0]).expect("a trend");
        assert!(near(found.tau, -3.0 / 15.0) && near(found.z, -2.0 / (474.0_f64 / 18.0).sqrt()), "{found:?}");
        assert!(near(found.slope, -0.2), "{found:?}");
    }

    #[test]
    fn every_month_more_is_the_strongest_trend_there_is() {
        let series: Vec<i64> = (0..24).map(|month| 3 * month).collect();
        let found = trend(&series).expect("a trend");
        assert_eq!((found.tau, found.slope), (1.0, 3.0));
        assert!(found.z > 6.0 && found.p < 1e-9);
        let fallen: Vec<i64> = series.iter().rev().copied().collect();
        let fallen = trend(&fallen).expect("a trend");
        assert_eq!((fallen.tau, fallen.slope, fallen.z), (-1.0, -3.0, -found.z));
    }

    #[test]
    fn what_never_changes_has_no_trend_and_three_months_have_none_to_tell() {
        for series in [[0; 12], [5; 12]] {
            assert_eq!(trend(&series), Some(Trend { tau: 0.0, z: 0.0, p: 1.0, slope: 0.0 }));
        }
        assert_eq!(trend(&[1, 2, 3]), None);
        assert_eq!(trend(&[]), None);
        // A hundred thousand months, of which one has a count, cost nothing.
        let found = mann_kendall(100_000, &[(99_999, 1)]).expect("a trend");
        assert_eq!(found.slope, 0.0);
    }

    proptest! {
        #[test]
        fn a_look_at_every_pair_finds_the_same(
            series in prop::collection::vec(prop_oneof![Just(0_i64), 0_i64..6, 0_i64..1_000], 4..40),
        ) {
            let found = trend(&series).expect("a trend");
            let (mut score, mut slopes) = (0_i64, Vec::new());
            for one in 0..series.len() {
                for other in one + 1..series.len() {
                    score += (series[other] - series[one]).signum();
                    slopes.push((series[other] - series[one]) as f64 / (other - one) as f64);
                }
            }
            slopes.sort_by(f64::total_cmp);
            let half = slopes.len() / 2;
            let below = if slopes.len() % 2 == 1 { half } else { half - 1 };
            let median = f64::midpoint(slopes[below], slopes[half]);
            prop_assert!(near(found.tau, score as f64 / slopes.len() as f64));
            prop_assert!(near(found.slope, median), "{} {}", found.slope, median);
            prop_assert!(found.z.is_finite() && (0.0..=1.0).contains(&found.p));
            let turned: Vec<i64> = series.iter().rev().copied().collect();
            let turned = trend(&turned).expect("a trend");
            prop_assert!(turned.z == -found.z && near(turned.tau, -found.tau) && near(turned.slope, -found.slope));
        }
    }
}

//! Pseudo-random numbers that stay the same with every version of every library (SplitMix64), and weighted choices.

const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Returns the stream of a seed and a number within it: every row has a stream of its own.
    pub(crate) const fn new(seed: u64, number: u64) -> Self {
        Self(mix(seed.wrapping_mul(INCREMENT) ^ mix(number.wrapping_add(INCREMENT))))
    }

    /// Returns the next 64 bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(INCREMENT);
        mix(self.0)
    }

    /// Returns a number from 0 up to, and without, `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        scale(self.bits(), bound)
    }

    /// Returns an index below `length`.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// Returns one of a list, all equally likely.
    pub(crate) fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    /// Returns true in that many of a thousand cases.
    pub(crate) fn permille(&mut self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    /// Returns a number from 0 up to, and without, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a number around 0 with a deviation of 1, from the sum of uniform numbers.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

fn scale(bits: u64, bound: u64) -> u64 {
    u64::try_from((u128::from(bits) * u128::from(bound)) >> 64).unwrap_or(0)
}

/// A choice among numbered things, each as likely as its weight.
#[derive(Clone, Debug)]
pub(crate) struct Weighted {
    sums: Vec<u64>,
}

impl Weighted {
    pub(crate) fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let mut sum = 0;
        let sums = weights.into_iter().map(|weight| {
            sum += weight;
            sum
        });
        Self { sums: sums.collect() }
    }

    /// Returns the sum of all weights.
    pub(crate) fn total(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0)
    }

    /// Returns the sum of the weights before a thing.
    pub(crate) fn sum_before(&self, number: usize) -> u64 {
        number.checked_sub(1).and_then(|before| self.sums.get(before).copied()).unwrap_or(0)
    }

    /// Returns the thing at a point of the sum of all weights.
    pub(crate) fn at(&self, point: u64) -> usize {
        self.sums.partition_point(|sum| *sum <= point).min(self.sums.len().saturating_sub(1))
    }

    /// Returns the number of the thing chosen.
    pub(crate) fn pick(&self, random: &mut Random) -> usize {
        self.at(random.below(self.total()))
    }
}

/// Returns weights that fall as those of words in a text do: few things are most of all.
pub(crate) fn zipf(length: usize) -> impl Iterator<Item = u64> {
    (0..length as u64).map(|rank| 1_000_000 / (rank + 2))
}

/// Returns a weight as a whole number; parts of a thousandth are dropped.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "weights are positive and below a million")]
pub(crate) fn to_weight(weight: f64) -> u64 {
    (weight * 1_000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_on_every_machine() {
        let mut random = Random::new(1, 2);
        let first: Vec<u64> = (0..3).map(|_| random.below(1_000)).collect();
        let mut again = Random::new(1, 2);
        assert_eq!(first, (0..3).map(|_| again.below(1_000)).collect::<Vec<_>>());
        assert_ne!(Random::new(1, 3).bits(), Random::new(1, 2).bits());
        assert_ne!(Random::new(2, 2).bits(), Random::new(1, 2).bits());
    }

    #[test]
    fn a_thing_is_chosen_as_often_as_it_weighs() {
        let choice = Weighted::new([1, 0, 3]);
        assert_eq!([0, 1, 2, 3].map(|point| choice.at(point)), [0, 2, 2, 2]);
        let mut random = Random::new(7, 0);
        let mut counts = [0; 3];
        for _ in 0..4_000 {
            counts[choice.pick(&mut random)] += 1;
        }
        assert!((900..1_100).contains(&counts[0]) && counts[1] == 0, "{counts:?}");
    }
}

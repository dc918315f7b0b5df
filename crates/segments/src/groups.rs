//! Which group of an answer each code belongs to.

use std::collections::BTreeMap;

use crate::code::Code;

/// Groups in the order of their values, that of null last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups<T> {
    /// The group of each code; of a code without one it is not used.
    pub of_code: Vec<u32>,
    /// The value of each group.
    pub values: Vec<Option<T>>,
}

impl<T: Ord + Clone> Groups<T> {
    /// Returns the groups of codes with these values, from code 1 on. Codes with the same value share a group.
    pub(crate) fn new(values: impl Iterator<Item = T>) -> Self {
        let mut codes: BTreeMap<T, Vec<Code>> = BTreeMap::new();
        let mut length = 1;
        for (value, code) in values.zip(1..) {
            codes.entry(value).or_default().push(code);
            length += 1;
        }
        let mut of_code = vec![0; length];
        for ((_, codes), group) in codes.iter().zip(0..) {
            codes.iter().for_each(|code| of_code[*code as usize] = group);
        }
        let values: Vec<Option<T>> = codes.into_keys().map(Some).chain([None]).collect();
        of_code[0] = u32::try_from(values.len() - 1).unwrap_or(u32::MAX);
        Self { of_code, values }
    }

    /// Returns the groups of the codes that pass a filter alone, all conditions on the dimension together.
    #[must_use]
    pub fn retain(&self, passes: &[bool]) -> Self {
        let mut is_kept = vec![false; self.values.len()];
        let kept = self.of_code.iter().zip(passes).filter(|(_, passes)| **passes);
        kept.for_each(|(group, _)| is_kept[*group as usize] = true);
        let mut renumbered = vec![0; self.values.len()];
        let mut values = Vec::new();
        for (group, value) in self.values.iter().enumerate().filter(|(group, _)| is_kept[*group]) {
            renumbered[group] = u32::try_from(values.len()).unwrap_or(u32::MAX);
            values.push(value.clone());
        }
        let of_code = self.of_code.iter().map(|group| renumbered.get(*group as usize).copied().unwrap_or(0));
        Self { of_code: of_code.collect(), values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_in_the_order_of_values_with_null_last() {
        let groups = Groups::new(["b", "a", "b", "c"].into_iter());
        assert_eq!(groups.values, [Some("a"), Some("b"), Some("c"), None]);
        assert_eq!(groups.of_code, [3, 1, 0, 1, 2]);
    }

    #[test]
    fn codes_that_are_left_out_have_no_group() {
        let groups = Groups::new(["b", "a", "c"].into_iter()).retain(&[false, true, false, true]);
        assert_eq!(groups.values, [Some("b"), Some("c")]);
        assert_eq!((groups.of_code[1], groups.of_code[3]), (0, 1));
    }
}

//! Numbers that look drawn, and are functions of where they stand: nothing has to be kept of rows that are written.

use crate::hash::mix;

/// Stirs several numbers into one.
pub(crate) fn stir(all: &[u64]) -> u64 {
    all.iter().fold(0x243f_6a88_85a3_08d3, |seed, one| mix(seed ^ one.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// A number from 0 up to 1.
pub(crate) fn share(seed: u64) -> f64 {
    (seed >> 11) as f64 / (1_u64 << 53) as f64
}

/// The numbers below `n` in another order: a Feistel network over the least power of four that holds them, whose numbers from
/// `n` on are sent through it again until one below comes.
#[derive(Clone, Debug)]
pub(crate) struct Shuffle {
    n: u64,
    bits: u32,
    seed: u64,
}

impl Shuffle {
    pub fn new(n: u64, seed: u64) -> Self {
        let bits = (64 - n.saturating_sub(1).leading_zeros()).div_ceil(2).max(1);
        Self { n, bits, seed }
    }

    /// The number at a place.
    pub fn at(&self, place: u64) -> u64 {
        let mask = (1_u64 << self.bits) - 1;
        let mut at = place;
        loop {
            let (mut left, mut right) = (at >> self.bits, at & mask);
            for round in 0..4 {
                let turned = mix(self.seed ^ right ^ (round << 60)) & mask;
                (left, right) = (right, left ^ turned);
            }
            at = left << self.bits | right;
            if at < self.n {
                return at;
            }
        }
    }
}

/// How often each of many is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Skew {
    /// All alike.
    Uniform,
    /// The one at place `k` in proportion to `1 / k^s`.
    Zipf(f64),
}

/// Rows given out to those that they belong to, each a run of places.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    /// Where the run of each begins, and the end of the last.
    starts: Vec<u64>,
}

impl Spread {
    /// `rows` to `owners`, none of which gets more than `most`; where they cannot take all, fewer are given out.
    pub fn new(rows: u64, owners: usize, skew: Skew, most: Option<u64>) -> Self {
        let weight = |at: usize| match skew {
            Skew::Uniform => 1.0,
            Skew::Zipf(s) => ((at + 1) as f64).powf(-s),
        };
        let most = most.unwrap_or(u64::MAX);
        let (mut left, mut sum) = (rows, (0..owners).map(weight).sum::<f64>());
        // Weights fall, so those who would get more than they take come first.
        let mut full = 0;
        while full < owners && left as f64 * weight(full) > most as f64 * sum {
            left = left.saturating_sub(most);
            sum -= weight(full);
            full += 1;
        }
        let mut starts = Vec::with_capacity(owners + 1);
        starts.extend((0..=full as u64).map(|owner| owner * most.min(rows)));
        let begin = starts.last().copied().unwrap_or_default();
        let (mut end, mut seen) = (begin, 0.0);
        for owner in full..owners {
            seen += weight(owner);
            let upto = if owner + 1 == owners { left } else { ((left as f64 * (seen / sum)).round() as u64).min(left) };
            end = (begin + upto).clamp(end, end.saturating_add(most));
            starts.push(end);
        }
        Self { starts }
    }

    /// How many are given out.
    pub fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// The most that one gets.
    pub fn most(&self) -> u64 {
        self.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// Whose a place is, and its place among those of the same owner.
    pub fn owner(&self, place: u64) -> (usize, u64) {
        let owner = self.starts.partition_point(|start| *start <= place) - 1;
        (owner, place - self.starts[owner])
    }
}

#[cfg(test)]
mod tests {
    use super::{Shuffle, Skew, Spread};
    use std::collections::BTreeSet;

    #[test]
    fn a_shuffle_leaves_nothing_out() {
        for n in [1, 2, 3, 4, 5, 17, 1000, 4096, 4097] {
            let shuffle = Shuffle::new(n, 7);
            let all: BTreeSet<u64> = (0..n).map(|place| shuffle.at(place)).collect();
            assert_eq!(all, (0..n).collect(), "{n}");
        }
    }

    #[test]
    fn all_rows_are_given_out_and_nobody_gets_too_many() {
        for (rows, owners, most) in
            [(1000, 7, None), (1000, 1000, Some(1)), (10, 100, None), (1000, 30, Some(40)), (50, 3, Some(10))]
        {
            for skew in [Skew::Uniform, Skew::Zipf(1.0), Skew::Zipf(1.5)] {
                let spread = Spread::new(rows, owners, skew, most);
                let fits = most.map_or(rows, |most| rows.min(most * owners as u64));
                assert_eq!(spread.rows(), fits, "{rows} {owners} {most:?} {skew:?}");
                let mut counts = vec![0; owners];
                for place in 0..spread.rows() {
                    let (owner, rank) = spread.owner(place);
                    assert_eq!(rank, counts[owner]);
                    counts[owner] += 1;
                }
                assert!(counts.iter().all(|count| most.is_none_or(|most| *count <= most)), "{counts:?}");
            }
        }
        let spread = Spread::new(1000, 10, Skew::Zipf(1.0), None);
        assert!(spread.owner(0).0 == 0 && spread.owner(341).0 == 1, "the first has a third");
    }
}

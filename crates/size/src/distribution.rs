//! How often each of several values comes.

pub use specc_model::Skew;

/// Terms that are summed one by one; the rest is an integral.
const EXACT: u64 = 10_000;

/// The sum of `1 / k^power` for `k` from 1 to `count`.
pub fn harmonic(count: u64, power: f64) -> f64 {
    let first: f64 = (1..=count.min(EXACT)).map(|k| (k as f64).powf(-power)).sum();
    if count <= EXACT {
        return first;
    }
    // Euler and Maclaurin: the integral, and half of both ends.
    let (low, high) = (EXACT as f64, count as f64);
    let integral = if (power - 1.0).abs() < 1e-9 {
        (high / low).ln()
    } else {
        (high.powf(1.0 - power) - low.powf(1.0 - power)) / (1.0 - power)
    };
    first + integral + (high.powf(-power) - low.powf(-power)) / 2.0
}

/// The part that the value of a rank (from 1) has of what `count` values share.
pub(crate) fn part(skew: Skew, rank: u64, count: u64, sum: f64) -> f64 {
    match skew {
        _ if rank == 0 || rank > count => 0.0,
        Skew::Uniform => 1.0 / count as f64,
        Skew::Zipf(power) => (rank as f64).powf(-power) / sum,
    }
}

/// The values of a column as numbers of values that come about as often, each with the part of the rows that one of them has:
/// one by one while they differ, then in groups that grow.
pub(crate) fn binned(column: &crate::Column) -> Vec<(f64, f64)> {
    let mut bins = Vec::new();
    let frequency = column.by_rank();
    let mut first = 1;
    while first <= column.distinct {
        let width = (first / 100).max(1).min(column.distinct - first + 1);
        bins.push((width as f64, frequency(first + width / 2)));
        first += width;
    }
    bins
}

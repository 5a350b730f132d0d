//! What `ANALYZE` would find in rows of such sizes, in Postgres's own terms.

use crate::distribution::binned;
use crate::{Column, Values};

/// How many values `ANALYZE` keeps, and how many parts its histograms have, where nothing else is set.
pub const TARGET: u64 = 100;
/// Rows that it looks at for each of them.
const SAMPLED: u64 = 300;

/// What is known of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// `null_frac`
    pub nulls: f64,
    /// `avg_width`
    pub width: u32,
    /// `n_distinct`: a number, or below zero a part of the rows.
    pub distinct: f64,
    /// The ranks of the most common values are 1 to the length of this; their frequencies.
    pub common: Vec<f64>,
    /// There are values beside the common ones, in an order: they have a histogram.
    pub histogram: bool,
    /// `correlation`; none where values have no order.
    pub correlation: Option<f64>,
}

/// Above this part of the rows.
const GROWING: f64 = 0.1;

/// As `n_distinct` has it: values that are more than a small part of the rows grow with them.
pub(crate) fn n_distinct(values: f64, rows: u64) -> f64 {
    let part = values / rows.max(1) as f64;
    if part > GROWING { -part } else { values }
}

/// How many values it would say that there are, on average: the formula of Haas and Stokes, as `compute_scalar_stats` in
/// `src/backend/commands/analyze.c` has it.
pub(crate) fn estimate(column: &Column, rows: u64) -> f64 {
    let (rows, sample) = (rows as f64, (column.target * SAMPLED) as f64);
    // Of free texts each is another; so many references are not each to another row.
    let all_differ =
        column.distinct as f64 >= (rows * (1.0 - column.nulls)).floor() && !matches!(column.values, Values::Of { .. });
    if column.unique || all_differ {
        return column.distinct as f64;
    }
    if rows <= sample {
        return present(column, rows);
    }
    // Each value that comes in the sample, and each that comes in it just once.
    let (mut seen, mut once) = (0.0, 0.0);
    for (values, part) in binned(column) {
        let absent = (1.0 - part.min(1.0)).powf(sample);
        seen += values * (1.0 - absent);
        once += values * sample * part * (1.0 - part.min(1.0)).powf(sample - 1.0);
    }
    let (rows, sample) = (rows * (1.0 - column.nulls), sample * (1.0 - column.nulls));
    let below = sample - once + once * sample / rows;
    (sample * seen / below.max(f64::MIN_POSITIVE)).clamp(seen, rows)
}

/// How many of the values that there may be come in so many rows.
pub(crate) fn present(column: &Column, rows: f64) -> f64 {
    binned(column).iter().map(|(values, part)| values * (1.0 - (1.0 - part.min(1.0)).powf(rows))).sum()
}

/// What `ANALYZE` would find.
pub fn statistics(column: &Column, rows: u64) -> Statistics {
    let ordered = !matches!(column.values, Values::Opaque);
    let width = if column.width > crate::column::TOASTED { crate::column::POINTER } else { column.width };
    let distinct = match column.told {
        Some(told) => told,
        None if column.unique => -(1.0 - column.nulls),
        None => n_distinct(estimate(column, rows).round(), rows),
    };
    let common = if ordered && !column.unique { common(column, rows) } else { Vec::new() };
    let histogram = ordered && column.distinct > common.len() as u64 + 1;
    let correlation = ordered.then(|| column.correlation.unwrap_or_else(|| of_few_values(column)));
    Statistics { nulls: column.nulls, width, distinct, common, histogram, correlation }
}

/// Values in no order still stand in the order of rows where they are equal: what that gives is the sum of the squares of
/// their parts.
fn of_few_values(column: &Column) -> f64 {
    let there = (1.0 - column.nulls).max(f64::MIN_POSITIVE);
    column.frequencies(1, column.distinct.min(column.target)).map(|part| (part / there).powi(2)).sum()
}

/// The values that come clearly more often than the rest, as `ANALYZE` decides it over its sample.
fn common(column: &Column, rows: u64) -> Vec<f64> {
    let sample = rows.min(column.target * SAMPLED) as f64;
    let total = rows as f64;
    let most: Vec<f64> = column.frequencies(1, column.distinct.min(column.target)).collect();
    // All of them, where all are seen and few.
    if column.distinct <= column.target && most.iter().all(|part| part * sample >= 2.0) {
        return most;
    }
    let mut kept: Vec<f64> = most.into_iter().take_while(|part| part * sample >= 2.0).collect();
    if sample >= total {
        return kept;
    }
    while let Some(last) = kept.last() {
        let sum: f64 = kept[..kept.len() - 1].iter().sum();
        let others = (column.distinct as f64 - (kept.len() - 1) as f64).max(1.0);
        let rest = ((1.0 - sum - column.nulls) / others).clamp(0.0, 1.0);
        let there = total * last;
        let variance = sample * there * (total - there) * (total - sample) / (total * total * (total - 1.0));
        if last * sample > rest * sample + 2.0 * variance.max(0.0).sqrt() + 0.5 {
            break;
        }
        kept.pop();
    }
    kept
}

//! Where `ANALYZE` would be wrong about rows of such sizes, and what to set so that it is not.
//!
//! It looks at 300 rows for each of the most common values that it keeps, and tells from them how many different values there
//! are. Of values of which few come often and most hardly ever, such a sample shows few: the estimate is then a part of the truth.

use crate::statistics::{TARGET, estimate, n_distinct, present};
use crate::{Column, Skew};
use specc_catalog::ColumnStatistics;
use specc_model::{Entity, Model};

/// How far off an estimate may be.
const FAR: f64 = 2.0;
/// Values have to come so much more often than the rest to be worth to be kept …
const OFTEN: f64 = 10.0;
/// … and in so many rows.
const MANY: f64 = 1_000.0;
/// No more of the most common values than these are asked for: what is kept is read whenever a query is planned.
const MOST: u64 = 1_000;

/// What should be set of a column of an entity whose size the spec gives; none where `ANALYZE` will do.
pub fn advised(model: &Model, entity: &Entity, column: &specc_catalog::Column) -> Option<ColumnStatistics> {
    model.size_of(None, entity.id)?;
    let rows = model.rows_of(None, entity.id);
    let column = crate::column::column(model, None, Some(entity.id), rows, column);
    let target = target(&column, rows);
    let column = Column { target: target.unwrap_or(TARGET), ..column };
    let said = entity.field(&column.name).and_then(|at| model.sized_column(None, entity.id, at));
    let there = match said.is_some_and(|said| said.distinct.is_some()) {
        true => column.distinct as f64,
        false => present(&column, rows as f64),
    };
    let count = far_off(&column, rows, there).then(|| round(n_distinct(there.round(), rows)));
    let divided = entity.partition_by.is_some();
    let said = ColumnStatistics {
        target: target.and_then(|target| u16::try_from(target).ok()),
        distinct: count.filter(|_| !divided),
        inherited: count.filter(|_| divided),
    };
    (said != ColumnStatistics::default()).then_some(said)
}

/// Four digits of a part say enough.
fn round(distinct: f64) -> f64 {
    if distinct < 0.0 { (distinct * 10_000.0).round() / 10_000.0 } else { distinct }
}

/// Whether the number of values that `ANALYZE` would tell is far from the one that there will be.
fn far_off(column: &Column, rows: u64, there: f64) -> bool {
    let told = estimate(column, rows);
    !column.unique && (told * FAR < there || there * FAR < told)
}

/// How many of the most common values should be kept, where the usual number leaves out values that a query would meet.
fn target(column: &Column, rows: u64) -> Option<u64> {
    if column.distinct <= TARGET || column.unique || matches!(column.values, crate::Values::Opaque) {
        return None;
    }
    let even = matches!(column.skew, Skew::Uniform) && column.shares.is_empty();
    if even {
        return None;
    }
    let most: Vec<f64> = column.frequencies(1, column.distinct.min(MOST)).collect();
    let others = (1.0 - column.nulls - most.iter().sum::<f64>()).max(0.0) / (column.distinct as f64);
    let worth = |part: &&f64| **part >= OFTEN * others && **part * rows as f64 >= MANY;
    let kept = most.iter().take_while(worth).count() as u64;
    (kept > TARGET).then(|| kept.next_multiple_of(TARGET))
}

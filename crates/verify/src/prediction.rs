//! What a build said beside a migration: for each statement its locks, and whether it rewrites rows.

use crate::watch::{Ledger, Watch};
use specc_migrate::{Lost, Prediction};
use specc_sql::Lock;

/// Enters what was said of a statement.
pub(crate) fn enter(prediction: &Prediction, ledger: &mut Ledger, watch: &Watch) {
    let mut rewritten = None;
    for (table, words) in &prediction.locks {
        let (Some(name), Some(lock)) = (watch.named(table), Lock::from_words(words)) else { continue };
        ledger.lock(watch, &name, lock);
        if prediction.rewrites && lock == Lock::AccessExclusive {
            let is_it = prediction.sql.starts_with(&format!("alter table {table} "));
            if is_it || rewritten.is_none() {
                rewritten = Some(name);
            }
        }
    }
    if let Some(table) = rewritten {
        ledger.rewrite(watch, &table);
    }
}

/// Whether a table's rows (`None`) or a column's values are said to be lost.
pub(crate) fn says_lost(lost: &[Lost], table: &str, column: Option<&str>) -> bool {
    lost.iter().any(|lost| lost.table == table && lost.column.as_deref() == column)
}

/// For each step the prediction that it is a part of: a statement of ours may be several of SQL.
pub(crate) fn assign(predictions: &[Prediction], steps: &[&str]) -> Vec<Option<usize>> {
    let (mut at, mut from) = (0, 0);
    let mut assigned = Vec::with_capacity(steps.len());
    for step in steps {
        let text = step.trim().trim_end_matches(';');
        let found = (at..predictions.len()).find_map(|n| {
            let start = if n == at { from } else { 0 };
            let place = predictions[n].sql.get(start..)?.find(text)?;
            Some((n, start + place + text.len()))
        });
        if let Some((n, end)) = found {
            (at, from) = (n, end);
        }
        assigned.push(found.map(|(n, _)| n));
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_parts_of_predictions_in_their_order() {
        let one = |sql: &str| Prediction {
            sql: sql.into(),
            locks: Default::default(),
            rewrites: false,
            scans: Vec::new(),
            block: false,
        };
        let all = [one("a 1;\na 2;"), one("b;"), one("a 1;")];
        let steps = ["set lock_timeout = '3s'", "a 1", "a 2", "b", "a 1", "reset lock_timeout"];
        assert_eq!(assign(&all, &steps), [None, Some(0), Some(0), Some(1), Some(2), None]);
    }
}

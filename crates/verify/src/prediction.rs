//! What a build said beside a migration: for each statement its locks, and whether it rewrites rows.

use crate::watch::{Ledger, Watch};
use crate::words::lines;
use rustc_hash::FxHashMap;
use specc_migrate::{Lost, Prediction, Record};
use specc_runner::Script;
use specc_sql::Lock;
use std::collections::{BTreeSet, VecDeque};

/// What was said of a migration.
#[derive(Clone, Debug)]
pub enum Said {
    /// This, by the build that wrote it.
    Build(Record),
    /// The build that wrote it said something, and it cannot be read.
    Unreadable {
        /// Where it should stand.
        path: String,
        /// Why it is not known.
        why: String,
    },
    /// Nothing but what its down script says: somebody wrote it by hand.
    ByHand(Record),
}

impl Said {
    /// What is known of it.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Said::Build(record) | Said::ByHand(record) => Some(record),
            Said::Unreadable { .. } => None,
        }
    }
}

/// Enters what was said of a statement.
pub(crate) fn enter(prediction: &Prediction, ledger: &mut Ledger, watch: &Watch) {
    let mut rewritten = None;
    for (table, words) in &prediction.locks {
        let (Some(name), Some(lock)) = (watch.named(table), Lock::from_words(words)) else { continue };
        ledger.lock(watch, &name, lock);
        if lock.blocks_writes() && !prediction.scans.contains(table) && !prediction.rewrites {
            ledger.no_scan(watch, &name);
        }
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

/// Whether a table's rows or a sequence's position (`None`) or a column's values are said to be lost.
pub(crate) fn says_lost(lost: &BTreeSet<Lost>, table: &str, column: Option<&str>) -> bool {
    lost.iter().any(|lost| lost.table == table && lost.column.as_deref() == column)
}

/// A file's statements beside those that were said.
pub(crate) struct Matched {
    /// For each step of the file the prediction that it is a part of: a statement of ours may be several of SQL.
    pub assigned: Vec<Option<usize>>,
    /// What only one of both has, in words.
    pub wrong: Vec<String>,
}

/// Holds the statements of a file against the predictions, one by one and in their order.
pub(crate) fn matched(predictions: &[Prediction], script: &Script) -> Matched {
    let said: Vec<(usize, String)> = predictions
        .iter()
        .enumerate()
        .flat_map(|(n, said)| pieces(&said.sql, 1).into_iter().map(move |(text, _)| (n, text)))
        .collect();
    let mut places: FxHashMap<&str, VecDeque<usize>> = FxHashMap::default();
    for (at, (_, text)) in said.iter().enumerate() {
        places.entry(text).or_default().push_back(at);
    }
    let (mut next, mut taken, mut wrong) = (0, vec![false; said.len()], Vec::new());
    let mut assigned = Vec::with_capacity(script.steps.len());
    for step in &script.steps {
        let mut first = None;
        for (text, line) in pieces(&step.text, step.line) {
            let place = places.get_mut(text.as_str()).and_then(|places| {
                while places.front().is_some_and(|at| *at < next) {
                    places.pop_front();
                }
                places.pop_front()
            });
            match place {
                Some(at) => {
                    (next, taken[at]) = (at + 1, true);
                    first = first.or(Some(said[at].0));
                }
                None => wrong.push(format!("line {line}, `{}`: the plan does not have this statement", label(&text))),
            }
        }
        assigned.push(first);
    }
    let missing = said.iter().zip(&taken).filter(|(_, taken)| !**taken);
    wrong.extend(missing.map(|((_, text), _)| format!("`{}` is in the plan and not in the file", label(text))));
    Matched { assigned, wrong }
}

/// The statements of a text, each with its line.
fn pieces(text: &str, line: usize) -> Vec<(String, usize)> {
    let plain = |text: &str| text.replace("\r\n", "\n");
    match Script::read(text) {
        Ok(script) => script.steps.iter().map(|step| (plain(&step.text), line + step.line - 1)).collect(),
        Err(_) => vec![(plain(text.trim()), line)],
    }
}

/// Its first line that says something.
fn label(text: &str) -> String {
    lines(text).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(predictions: &[&str], text: &str) -> (Vec<Option<usize>>, Vec<String>) {
        let all: Vec<_> =
            predictions.iter().map(|sql| Prediction { sql: (*sql).into(), ..Default::default() }).collect();
        let matched = matched(&all, &Script::read(text).expect("SQL"));
        (matched.assigned, matched.wrong)
    }

    #[test]
    fn steps_are_parts_of_predictions_in_their_order() {
        let all = ["select 1;\nselect 2;", "select 3;", "select 1;"];
        let text = "select 1;\r\nselect 2;\nselect 3;\nselect 1;\n";
        assert_eq!(of(&all, text), (vec![Some(0), Some(0), Some(1), Some(2)], vec![]));
    }

    #[test]
    fn what_only_one_side_has_is_named() {
        let (assigned, wrong) =
            of(&["select 1;", "select 2;", "select 3;"], "select 1;\n\nselect 4;\nselect 3;\nselect 3;");
        assert_eq!(assigned, [Some(0), None, Some(2), None]);
        assert_eq!(
            wrong,
            [
                "line 3, `select 4`: the plan does not have this statement",
                "line 5, `select 3`: the plan does not have this statement",
                "`select 2` is in the plan and not in the file"
            ]
        );
    }

    #[test]
    fn transactions_in_a_file_are_taken_apart() {
        let text = "-- specc: no-transaction\nbegin;\nselect 1;\nselect 2;\ncommit;\nselect 3;\n";
        assert_eq!(
            of(&["select 1;", "select 3;"], text).1,
            ["line 4, `select 2`: the plan does not have this statement"]
        );
    }
}

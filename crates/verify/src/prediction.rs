//! What a build said beside a migration: for each statement its locks, and whether it rewrites rows.

use crate::watch::{Ledger, Watch};
use rustc_hash::FxHashMap;
use specc_migrate::{Lost, Prediction, Record, statement_checksum};
use specc_runner::Script;
use specc_split::split;
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
    for (table, words) in &prediction.locks {
        let (Some(name), Some(lock)) = (watch.named(table), Lock::from_words(words)) else { continue };
        ledger.lock(watch, &name, lock);
        if lock.blocks_writes() && !prediction.scans.contains(table) && prediction.rewrites.is_none() {
            ledger.no_scan(watch, &name);
        }
    }
    if let Some(table) = prediction.rewrites.as_deref().and_then(|table| watch.named(table)) {
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
    /// What was planned and is not there, in words.
    pub missing: Vec<String>,
}

/// Where the file is not as it was planned, a statement of the plan is looked for in no more statements of SQL than this.
const PARTS: usize = 16;

/// Finds the statements of a file that something was said of, one by one and in their order. What nothing was said of is to do
/// nothing to tables that others may be using.
pub(crate) fn matched(predictions: &[Prediction], script: &Script, text: &str) -> Matched {
    let mut places: FxHashMap<&str, VecDeque<usize>> = FxHashMap::default();
    for (at, said) in predictions.iter().enumerate() {
        places.entry(&said.sum).or_default().push_back(at);
    }
    let parts = parts(script);
    let (mut next, mut taken) = (0, vec![false; predictions.len()]);
    let mut assigned = vec![None; script.steps.len()];
    let mut at = 0;
    while let Some(first) = parts.get(at) {
        let sum = |last: &Part| statement_checksum(&text[first.start..last.end]);
        let planned = predictions.get(next).and_then(|said| {
            let is_end = |part: &Part| part.last_line + 1 >= first.line + said.lines;
            let count = 1 + parts[at..].iter().position(is_end)?;
            (sum(&parts[at + count - 1]) == said.sum).then_some((next, count))
        });
        let found = planned.or_else(|| {
            parts[at..].iter().take(PARTS).enumerate().find_map(|(n, last)| {
                let places = places.get_mut(sum(last).as_str())?;
                while places.front().is_some_and(|place| *place < next) {
                    places.pop_front();
                }
                Some((places.pop_front()?, n + 1))
            })
        });
        let Some((place, count)) = found else {
            at += 1;
            continue;
        };
        (next, taken[place]) = (place + 1, true);
        for part in &parts[at..at + count] {
            assigned[part.step].get_or_insert(place);
        }
        at += count;
    }
    let missing = predictions.iter().zip(&taken).filter(|(_, taken)| !**taken);
    let missing = missing.map(|(said, _)| match said.lines {
        1 => format!("what was planned for line {} is not in the file", said.line),
        n => format!("what was planned for lines {} to {} is not in the file", said.line, said.line + n - 1),
    });
    Matched { assigned, missing: missing.collect() }
}

/// A statement of SQL.
struct Part {
    /// The step of the script.
    step: usize,
    /// The first byte in the file, and the one behind it.
    start: usize,
    end: usize,
    line: usize,
    last_line: usize,
}

/// The statements of a script: what stands between `begin` and `commit` is one step of it.
fn parts(script: &Script) -> Vec<Part> {
    let mut all = Vec::with_capacity(script.steps.len());
    for (n, step) in script.steps.iter().enumerate() {
        let mut part = |text: &str, start: usize, line: usize| {
            let (start, last_line) = (step.start + start, line + text.matches('\n').count());
            all.push(Part { step: n, start, end: start + text.len(), line, last_line });
        };
        match split(&step.text) {
            Ok(pieces) => pieces.iter().for_each(|piece| part(piece.text, piece.start, step.line + piece.line - 1)),
            Err(_) => part(&step.text, 0, step.line),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(predictions: &[&str], text: &str) -> (Vec<Option<usize>>, Vec<String>) {
        let mut line = 1;
        let all: Vec<_> = predictions
            .iter()
            .map(|sql| {
                let lines = sql.lines().count();
                line += lines;
                Prediction { line: line - lines, lines, sum: statement_checksum(sql), ..Default::default() }
            })
            .collect();
        let matched = matched(&all, &Script::read(text).expect("SQL"), text);
        (matched.assigned, matched.missing)
    }

    #[test]
    fn steps_are_parts_of_predictions_in_their_order() {
        let all = ["select 1;\nselect 2", "select 3", "select 1"];
        let text = "select 1;\r\nselect 2;\nselect 3;\nselect 1;\n";
        assert_eq!(of(&all, text), (vec![Some(0), Some(0), Some(1), Some(2)], vec![]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let (assigned, missing) =
            of(&["select 1", "select 2", "select 3"], "select 1;\n\nselect 4;\nselect 3;\nselect 3;");
        assert_eq!(assigned, [Some(0), None, Some(2), None]);
        assert_eq!(missing, ["what was planned for line 2 is not in the file"]);
    }

    #[test]
    fn a_statement_of_many_parts_is_found_where_it_is_planned_and_where_it_is_not() {
        let many = |n: usize| (0..n).map(|n| format!("select {n}")).collect::<Vec<_>>().join(";\n");
        let (long, short) = (many(100), many(PARTS));
        assert_eq!(
            of(&["select 'a'", &long, &short], &format!("select 'a';\n{long};\n{short};\n")).1,
            Vec::<String>::new()
        );
        let (_, wrong) = of(&["select 'a'", "select 'b'", &short], &format!("select 'a';\n{short};\n"));
        assert_eq!(wrong, ["what was planned for line 2 is not in the file"]);
    }

    #[test]
    fn more_on_the_line_of_a_statement_is_seen() {
        assert_eq!(of(&["select 1", "select 2"], "select 1; drop table a;\nselect 2;").0, [Some(0), None, Some(1)]);
        assert_eq!(of(&["select 1", "select 2"], "/* */ select 1;\nselect 2 + 1;").0, [Some(0), None]);
    }

    #[test]
    fn transactions_in_a_file_are_taken_apart() {
        let text = "-- specc: no-transaction\nbegin;\nselect 1;\nselect 2;\ncommit;\nselect 3;\n";
        assert_eq!(of(&["select 1", "select 3"], text), (vec![Some(0), Some(1)], vec![]));
    }
}

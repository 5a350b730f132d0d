//! `insert`, `update`, `delete`, `merge`, also behind `with`.

use crate::statement::{Change, Rows, What};
use crate::words::Words;

/// From the first word of the statement.
pub(super) fn read(words: &mut Words<'_>) -> Option<What> {
    if words.take("with") && !words.skip_to(&["select", "insert", "update", "delete", "merge", "values", "table"]) {
        return Some(What::Harmless);
    }
    let kind = match words.ident()?.as_str() {
        "update" => Change::Update,
        "delete" => Change::Delete,
        "insert" => Change::Insert,
        "merge" => Change::Merge,
        _ => return Some(What::Harmless),
    };
    let _ = words.take("from") || words.take("into");
    let _ = words.take("only");
    let table = words.name()?;
    let mut rows = Rows { kind, table, condition: None, only_null: None, from_query: kind == Change::Merge };
    match kind {
        Change::Update | Change::Delete => {
            // a limit of another kind: rows chosen by a join
            let joined = words.clone().skip_to(&["from", "using"]);
            if words.skip_to(&["where"]) {
                words.skip();
                let from = words.mark();
                words.skip_to(&["returning"]);
                let condition = words.since(from);
                rows.condition = Some(condition.as_written().to_lowercase());
                rows.only_null = only_null(condition);
            } else if joined {
                rows.condition = Some(String::new());
            }
        }
        Change::Insert | Change::Merge => {
            rows.from_query |= words.skip_to(&["select", "with", "values", "table", "default"])
                && words.is_any(&["select", "with", "table"]);
        }
    }
    Some(What::Rows(rows))
}

fn only_null(mut words: Words<'_>) -> Option<String> {
    let column = words.name()?.name;
    (words.take("is null") && words.is_done()).then_some(column)
}

//! What a role may do with a table, a view or a function: its grants, which are made from effective access.

use super::{Claim, Rows, Says};
use crate::access::{self, Reach};
use crate::book::{Book, RoleColumn};
use specc_catalog::TableName;
use specc_model::{Function, RuleAction};
use specc_types::{Columns, Verb};

/// The rule's action for what is done.
pub fn action(verb: Verb) -> RuleAction {
    match verb {
        Verb::Read => RuleAction::Select,
        Verb::Insert => RuleAction::Insert,
        Verb::Update => RuleAction::Update,
        Verb::Delete => RuleAction::Delete,
    }
}

/// What a role may do with a table or view, and what not.
pub fn of_relation(book: &Book<'_>, role: &RoleColumn, on: &TableName) -> Vec<Claim> {
    let mut out = Vec::new();
    let Some(shown) = book.columns_of(on) else { return out };
    let mut say = |says| out.push(Claim { role: role.name.clone(), on: on.clone(), says });
    let is_table = book.shown(on).is_none();
    for verb in Verb::ALL {
        // What a view passes on is a matter of its tables, and said there.
        if !is_table && verb != Verb::Read {
            continue;
        }
        let granted = role.rights.columns(on, verb.word());
        let shut = || book.view_of(on).is_some_and(|view| !book.reads(role, view));
        if granted.is_empty() || shut() || verb == Verb::Delete && granted != Columns::All {
            say(Says::MayNot { verb, columns: Vec::new() });
            continue;
        }
        let (mut with, mut without) = (Vec::with_capacity(shown.len()), Vec::new());
        for (column, is_written) in shown.iter().filter(|_| verb != Verb::Delete) {
            if verb == Verb::Read || *is_written {
                let list = if granted.has(column) { &mut with } else { &mut without };
                list.push(column.clone());
            }
        }
        let reach = book.entity_of(on).map(|entity| access::reach(book, entity, role, action(verb)));
        let rows = match reach {
            Some(Reach::Some { every_row: true, .. }) => Rows::Every,
            Some(Reach::Some { .. }) => Rows::ByRule,
            Some(Reach::None) => Rows::None,
            None => Rows::OfView,
        };
        // Where the list of what it may not is longer, it says more to list what it may.
        let listed = with.len() < without.len();
        say(Says::May { verb, columns: with, listed, rows });
        if !without.is_empty() {
            say(Says::MayNot { verb, columns: without });
        }
    }
    if is_table && role.bypasses && role.rights.columns(on, "truncate").is_empty() {
        say(Says::NoTruncate);
    }
    out
}

/// Whether a role may call a function.
pub fn of_function(book: &Book<'_>, role: &RoleColumn, function: &Function) -> Vec<Claim> {
    let Some(found) = book.routine(function) else { return Vec::new() };
    let on = TableName::new(found.schema.clone(), found.name.clone());
    let says = Says::Calls { signature: found.signature(), may: role.rights.calls(found) };
    vec![Claim { role: role.name.clone(), on, says }]
}

//! The rules, a file each: the comment at its top is its page.

mod add_column_not_null;
mod add_column_rewrites;
mod add_exclusion;
mod attach_partition;
mod cascade;
mod check_not_valid;
mod cluster_or_vacuum_full;
mod concurrent_if_not_exists;
mod create_index;
mod create_partition;
mod definer_search_path;
mod delete_all;
mod detach_partition;
mod disable_rls;
mod domain_check;
mod drop_column;
mod drop_column_with_policies;
mod drop_index;
mod drop_restrictive_policy;
mod drop_schema_or_type;
mod drop_table;
mod enum_value_used;
mod foreign_key_not_valid;
mod grant_writes;
mod in_transaction;
mod limited_text;
mod lock_timeout;
mod long_name;
mod long_work_under_lock;
mod many_tables;
pub(crate) mod not_understood;
mod of_type;
mod open_write_policy;
mod refresh_view;
mod reindex;
mod rename_column;
mod rename_table;
mod rename_value;
mod rls_without_policies;
mod serial;
mod session_call_per_row;
mod set_not_null;
mod small_key;
mod table_rewritten;
mod table_without_rls;
mod timestamp_without_zone;
mod transaction_left_open;
mod truncate;
mod type_change;
mod unindexed_reference;
mod unique_using_index;
mod unprotected_relation;
mod update_all;
mod validate_with_add;
mod view_loses_options;
mod view_security_invoker;

use crate::rule::{Check, Rule, Scene};
use crate::statement::{Action, Asks, Column, Rows, What};
use specc_diag::Severity;

macro_rules! rules {
    ($($code:literal $module:ident $level:ident $when:ident $($optional:ident)?;)*) => {
        /// All rules, by code. A code is never used for something else.
        pub static RULES: &[Rule] = &[$(Rule {
            code: $code,
            level: Severity::$level,
            optional: false $(|| stringify!($optional).len() > 0)?,
            source: include_str!(concat!(stringify!($module), ".rs")),
            check: Check::$when($module::find),
        }),*];
    };
}

// `Each` looks at statements, `End` at what there is in the end; `habit` is asked for with `--all`.
rules! {
    "L000" not_understood Advice Each;
    "L001" add_column_rewrites Warning Each;
    "L002" add_column_not_null Error Each;
    "L003" set_not_null Warning Each;
    "L004" type_change Warning Each;
    "L005" check_not_valid Warning Each;
    "L006" foreign_key_not_valid Warning Each;
    "L007" validate_with_add Warning Each;
    "L008" unique_using_index Warning Each;
    "L009" add_exclusion Warning Each;
    "L010" create_index Warning Each;
    "L011" drop_index Warning Each;
    "L012" in_transaction Error Each;
    "L013" concurrent_if_not_exists Warning Each;
    "L014" reindex Warning Each;
    "L015" cluster_or_vacuum_full Warning Each;
    "L016" table_rewritten Warning Each;
    "L017" refresh_view Warning Each;
    "L018" create_partition Warning Each;
    "L019" attach_partition Warning Each;
    "L020" long_work_under_lock Warning Each;
    "L021" lock_timeout Warning Each;
    "L022" domain_check Warning Each;
    "L023" transaction_left_open Warning Each;
    "L024" detach_partition Warning Each;
    "L025" enum_value_used Error Each;
    "L026" rename_value Warning Each;
    "L027" long_name Warning Each;
    "L030" rename_column Warning Each;
    "L031" rename_table Warning Each;
    "L032" drop_table Error Each;
    "L033" drop_column Error Each;
    "L034" drop_schema_or_type Warning Each;
    "L035" cascade Error Each;
    "L036" truncate Error Each;
    "L037" delete_all Error Each;
    "L038" update_all Warning Each;
    "L050" table_without_rls Error End;
    "L051" rls_without_policies Warning End;
    "L052" open_write_policy Error Each;
    "L053" session_call_per_row Warning Each;
    "L054" definer_search_path Error End;
    "L055" view_security_invoker Error End;
    "L056" view_loses_options Error Each;
    "L057" grant_writes Error Each;
    "L058" disable_rls Error Each;
    "L059" drop_restrictive_policy Error Each;
    "L060" drop_column_with_policies Error Each;
    "L061" unprotected_relation Error End;
    "L070" limited_text Advice Each habit;
    "L071" timestamp_without_zone Advice Each habit;
    "L072" serial Advice Each habit;
    "L073" small_key Advice Each habit;
    "L074" many_tables Advice Each habit;
    "L075" unindexed_reference Advice End habit;
}

/// Whether every row of a table in use is meant.
fn means_all(scene: &Scene<'_>, rows: &Rows) -> bool {
    let all = match &rows.asks {
        Asks::Nothing => true,
        Asks::NotNull(column) => scene.state.column(&rows.table, column).is_some_and(|known| known.not_null),
        Asks::Null(_) | Asks::Something { .. } => false,
    };
    all && scene.state.is_live(&rows.table)
}

/// The columns that a statement adds.
fn new_columns<'a>(scene: &Scene<'a>) -> Vec<&'a Column> {
    match &scene.statement.what {
        What::CreateTable(table) => table.columns.iter().collect(),
        What::AlterTable(alter) => {
            let added = alter.actions.iter().filter_map(|(action, _)| match action {
                Action::AddColumn(column) => Some(&**column),
                _ => None,
            });
            added.collect()
        }
        _ => Vec::new(),
    }
}

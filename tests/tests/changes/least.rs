//! How many statements a change takes at least, reasoned from what Postgres offers, not from what is planned.
//!
//! A loss of time or safety hides in statements that nobody needs: an object that is dropped and made again although
//! `alter` changes it, a default that goes and comes back, a second scan.

use crate::changes::case::Case;
use specc_runner::Script;

/// The change, and the fewest statements of SQL there and back. Online, a constraint takes two (`not valid`, then
/// `validate`), a unique one two (its index, then the constraint), a required column four (a check, its validation, `set
/// not null`, and the check goes); the way back is offline and takes one for each.
const LEAST: &[(&str, usize, usize)] = &[
    // One `alter table … add column`, one `drop column`.
    ("column_add_nullable", 1, 1),
    ("column_add_default", 1, 1),
    ("column_add_array", 1, 1),
    ("column_drop", 1, 1),
    // The comment is a statement of its own, and goes with the column.
    ("column_add_commented", 2, 1),
    // One `alter column` each way.
    ("column_rename", 1, 1),
    ("column_default_add", 1, 1),
    ("column_default_change", 1, 1),
    ("column_default_drop", 1, 1),
    ("column_comment", 1, 1),
    ("column_comment_change", 1, 1),
    ("column_comment_drop", 1, 1),
    ("column_storage", 1, 1),
    ("column_compression", 1, 1),
    // The way back asks first what is too long for it.
    ("column_type_longer", 1, 2),
    ("column_null", 1, 1),
    ("column_not_null", 5, 1),
    // Constraints.
    ("check_add", 3, 1),
    ("check_add_offline", 1, 1),
    ("check_drop", 1, 1),
    ("check_rename", 1, 1),
    ("check_comment", 1, 1),
    // With the index that the spec gives a reference.
    ("foreign_key_add", 4, 2),
    ("foreign_key_add_offline", 2, 2),
    ("foreign_key_drop", 2, 2),
    ("foreign_key_rename", 1, 1),
    ("unique_add", 3, 1),
    ("unique_add_offline", 1, 1),
    ("unique_drop", 1, 1),
    ("unique_rename", 1, 1),
    ("key_rename", 1, 1),
    // Indexes are built and dropped concurrently, each in one statement; options and names are altered.
    ("index_add", 1, 1),
    ("index_add_offline", 1, 1),
    ("index_drop", 1, 1),
    ("index_rename", 1, 1),
    ("index_comment", 1, 1),
    ("index_options", 1, 1),
    // Types.
    // With a column of the type.
    ("enum_add", 2, 2),
    ("enum_drop", 1, 1),
    ("enum_comment", 1, 1),
    ("enum_rename", 1, 1),
    ("enum_label_renamed", 1, 1),
    ("domain_default", 1, 1),
    // Without blocking anyone it would take two.
    ("domain_check_add", 1, 1),
    ("domain_check_drop", 1, 1),
    ("domain_rename", 1, 1),
    ("composite_rename", 1, 1),
    ("composite_attribute_rename", 1, 1),
    // The rest of what has an `alter` of its own, or `create or replace`.
    ("sequence_increment", 1, 1),
    ("schema_rename", 1, 1),
    ("schema_comment", 1, 1),
    ("view_add", 1, 1),
    ("view_comment", 1, 1),
    ("view_rename", 1, 1),
    ("function_body", 1, 1),
    ("function_comment", 1, 1),
    ("function_volatility", 1, 1),
    ("function_rename", 1, 1),
    ("trigger_rename", 1, 1),
    ("trigger_disabled", 1, 1),
    ("policy_using", 1, 1),
    ("policy_check", 1, 1),
    ("sequence_rename", 1, 1),
    ("policy_rename", 1, 1),
    // With the grant that follows from the rule, and the comment that names it.
    ("policy_drop", 2, 3),
    ("grant_more", 1, 1),
    ("grant_less", 1, 1),
    ("table_comment", 1, 1),
    ("table_options", 1, 1),
    ("table_rls_on", 1, 1),
    ("table_rls_off", 1, 1),
    ("table_logged", 1, 1),
    ("table_unlogged", 1, 1),
    // What is recreated takes a drop and a creation, and no more.
    ("trigger_events", 2, 2),
    ("trigger_timing", 2, 2),
];

/// Statements of the scripts that change something.
fn count(texts: &[&str]) -> usize {
    let is_setting = |text: &str| text.contains("lock_timeout");
    let steps = |text: &&str| Script::read(text).expect("a script").steps;
    texts.iter().flat_map(steps).filter(|step| !is_setting(&step.text)).count()
}

/// What is more than the least, and what is no case.
pub fn wrong() -> Vec<String> {
    let cases = Case::all();
    let check = |&(name, up, down): &(&str, usize, usize)| {
        let Some(case) = cases.iter().find(|case| case.name == name) else { return Some(format!("{name} is no case")) };
        let (ups, downs) = match case.scripts() {
            Ok(scripts) => scripts,
            Err(error) => return Some(format!("{name}: {error}")),
        };
        let found = (
            count(&ups.iter().map(String::as_str).collect::<Vec<_>>()),
            count(&downs.iter().map(String::as_str).collect::<Vec<_>>()),
        );
        (found != (up, down)).then(|| {
            format!("{name} takes {found:?} statements there and back, {:?} do\n{}", (up, down), ups.join("\n"))
        })
    };
    assert!(LEAST.len() >= 40);
    LEAST.iter().filter_map(check).collect()
}

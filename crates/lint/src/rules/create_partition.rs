//! A partition is created in place, while everybody waits for the parent
//!
//! Finds `create table … partition of` where the parent is in use.
//!
//! Why: it takes an access exclusive lock on the parent, and where there is a default partition that is locked too and
//! read in full.
//!
//! Instead, make the table by itself and attach it, which leaves the parent open:
//!
//! ```sql
//! create table events_2027 (like events including all);
//! alter table events_2027 add constraint in_2027 check (at >= '2027-01-01' and at < '2028-01-01');
//! alter table events attach partition events_2027 for values from ('2027-01-01') to ('2028-01-01');
//! alter table events_2027 drop constraint in_2027;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::CreateTable(table) = &scene.statement.what else { return };
    let Some((parent, _)) = &table.partition_of else { return };
    if !scene.state.is_live(parent) {
        return;
    }
    let default = scene.state.table(parent).is_some_and(|table| table.default_partition);
    let more = if default { ", and its default partition is read in full" } else { "" };
    out.say(scene.span(table.name.place), format!("everybody waits for {}{more}", parent.said()))
        .help("create the table by itself with a check of its bounds, then attach it");
}

//! A table is attached without a check that proves its rows fit
//!
//! Finds `attach partition` of a table that may have rows and has no validated check in these files.
//!
//! Why: Postgres reads all of it under an access exclusive lock to see that its rows fit (and all of the default
//! partition): 60 ms against 1 ms with a check, as measured, and it grows with the rows.
//!
//! Instead, prove it before; where there is a default partition, prove there that no row belongs to the new one:
//!
//! ```sql
//! alter table events_2026 add constraint in_2026 check (at >= '2026-01-01' and at < '2027-01-01') not valid;
//! -- in a later transaction:
//! alter table events_2026 validate constraint in_2026;
//! alter table events attach partition events_2026 for values from ('2026-01-01') to ('2027-01-01');
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Action, Kind, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::AlterTable(alter) = &scene.statement.what else { return };
    for (action, _) in &alter.actions {
        let Action::Attach { partition, .. } = action else { continue };
        let is_check = |kind: &Kind| matches!(kind, Kind::Check { .. });
        let known = scene.state.table(partition);
        let proved = known.is_some_and(|t| t.constraints.values().any(|b| b.valid && is_check(&b.constraint.kind)));
        if scene.state.is_live(partition) && !proved {
            let message =
                format!("all of {} is read to see that its rows fit, while nobody else can", partition.said());
            out.say(scene.span(partition.place), message).help("add a check of the bounds, validate it, then attach");
        }
    }
}

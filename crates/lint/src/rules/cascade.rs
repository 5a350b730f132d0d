//! Whatever depends on it goes too, unnamed
//!
//! Finds `cascade` in `drop`, `truncate`, `drop column` and `drop constraint`. (`on delete cascade` is another thing.)
//!
//! Why: nobody who reads the migration sees what else is dropped: views, foreign keys, columns, policies; a
//! restrictive policy that goes with a column opens its table without a word.
//!
//! Instead, drop what depends on it by name, before:
//!
//! ```sql
//! drop view active_members;
//! drop table members;
//! ```

use crate::rule::{Out, Scene};
use crate::statement::{Action, Dropped, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let mut say = |place| {
        out.say(scene.span(place), "what depends on it is dropped too, and nobody sees what")
            .help("drop what depends on it by name, before");
    };
    match &scene.statement.what {
        What::Drop(drop) => {
            let own = drop.kind == Dropped::Table && drop.names.iter().all(|name| !scene.state.is_live(name));
            if let Some(place) = drop.cascade.filter(|_| !own) {
                say(place);
            }
        }
        What::Truncate { cascade: Some(place), tables } if tables.iter().any(|name| scene.state.is_live(name)) => {
            say(*place)
        }
        What::AlterTable(alter) if scene.state.is_live(&alter.table) => {
            for (action, _) in &alter.actions {
                if let Action::DropColumn { cascade: Some(place), .. }
                | Action::DropConstraint { cascade: Some(place), .. } = action
                {
                    say(*place);
                }
            }
        }
        _ => {}
    }
}

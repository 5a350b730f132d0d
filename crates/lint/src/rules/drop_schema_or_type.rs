//! A schema or type is dropped
//!
//! Finds `drop schema`, `drop type`, `drop domain` and `drop owned`, unless the same transaction made the type.
//!
//! Why: Postgres refuses it while anything is in the schema or has the type, so that `cascade` is soon added, which
//! takes tables and columns along; and clients that name it fail.
//!
//! Instead, drop what is in it by name first, each with its own reason, and then say on the line above that nothing is
//! left.

use crate::rule::{Out, Scene};
use crate::statement::{Dropped, What};

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::Drop(drop) = &scene.statement.what else { return };
    if drop.kind == Dropped::Owned {
        for name in &drop.names {
            out.say(
                scene.span(name.place),
                format!("all that {} owns is lost, and all that it was granted", name.said()),
            )
            .help("`reassign owned` to another role, and drop what is left by name");
        }
        return;
    }
    let what = match drop.kind {
        Dropped::Schema => "anything is in schema",
        Dropped::Type => "anything has the type",
        _ => return,
    };
    for name in &drop.names {
        if scene.state.types.get(&name.key(scene.state.path())) != Some(&scene.state.tx) {
            out.say(
                scene.span(name.place),
                format!("this fails while {what} {}, and so do clients that name it", name.said()),
            )
            .help("drop what depends on it by name first, and say so above");
        }
    }
}

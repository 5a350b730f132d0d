//! A schema or type is dropped
//!
//! Finds `drop schema`, `drop type`, `drop domain` and `drop owned`, unless the same file made the type.
//!
//! Why: with a schema goes what is in it, with a type the columns that have it, as soon as somebody adds `cascade` to make the statement pass.
//!
//! Instead, drop what is in it by name first, each with its own reason.

use crate::rule::{Out, Scene};
use crate::statement::{Dropped, What};

pub(crate) fn check(scene: &Scene<'_>, out: &mut Out) {
    let What::Drop(drop) = &scene.statement.what else { return };
    let what = match drop.kind {
        Dropped::Schema => "what is in schema",
        Dropped::Type => "what has the type",
        _ => return,
    };
    for name in &drop.names {
        if scene.state.types.get(&name.key(&scene.state.path)) != Some(&scene.state.tx) {
            out.say(scene.span(name.place), format!("{what} {} is in the way, or is lost", name.said()))
                .help("drop what depends on it by name first");
        }
    }
}

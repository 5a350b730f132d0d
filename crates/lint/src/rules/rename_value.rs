//! A value of an enum gets another name while clients know the old one
//!
//! Finds `alter type … rename value`.
//!
//! Why: it is done at once and locks nothing, and from then on every client that sends the old value fails.
//!
//! Instead, add the new value, move clients and rows to it, and leave the old one unused.

use crate::rule::{Out, Scene};
use crate::statement::What;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    let What::RenameValue { name } = &scene.statement.what else { return };
    if scene.state.types.get(&name.key(scene.state.path())) != Some(&scene.state.tx) {
        out.say(scene.span(name.place), format!("clients that still send the old value of {} fail", name.said()))
            .help("add the new value beside it, and move clients and rows to it");
    }
}

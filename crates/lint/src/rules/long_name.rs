//! A name is longer than Postgres keeps
//!
//! Finds names of more than 63 bytes.
//!
//! Why: Postgres cuts them, with no more than a notice: two names that differ behind the cut are one, and who asks the
//! catalog for the name as it was written finds nothing.
//!
//! Instead, a name of at most 63 bytes; a letter that is not plain ASCII takes two or more.

use crate::cursor::Cursor;
use crate::rule::{Out, Scene};
use crate::statement::What;
use specc_facts::LONGEST_NAME;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    // settings of an extension may be longer
    if matches!(scene.statement.what, What::Set(_)) {
        return;
    }
    let (start, end) = scene.statement.place;
    let mut words = Cursor::new(scene.text, start, end);
    while !words.is_done() {
        let from = words.mark();
        match words.ident() {
            Some(name) if name.len() > LONGEST_NAME && !name.starts_with(|c: char| c.is_ascii_digit()) => {
                let cut = (0..=LONGEST_NAME).rev().find(|at| name.is_char_boundary(*at)).unwrap_or_default();
                out.say(scene.span(words.place(from)), format!("this is cut to `{}`", &name[..cut]))
                    .help(format!("give it at most {LONGEST_NAME} bytes"));
            }
            Some(_) => {}
            None => words.skip(),
        }
    }
}

//! Words that statements of PL/pgSQL take: items of diagnostics, options of `raise`, and cursors.

use super::reader::Reader;
use crate::Problem;
use crate::scope::Shape;
use smol_str::SmolStr;
use specc_facts::{DIAGNOSTICS_ITEMS, RAISE_OPTIONS, STACKED_ITEMS};

impl Reader<'_, '_> {
    /// The item behind `variable =` in `get diagnostics`.
    pub(super) fn diagnostics_item(&mut self, stacked: bool) {
        self.take_symbol(b':');
        if !self.take_symbol(b'=') {
            return;
        }
        let Some(name) = self.name().map(|name| name.to_lowercase()) else { return };
        let (own, other) =
            if stacked { (STACKED_ITEMS, DIAGNOSTICS_ITEMS) } else { (DIAGNOSTICS_ITEMS, STACKED_ITEMS) };
        if own.contains(&&*name) {
            return;
        }
        let (message, help) = if other.contains(&&*name) {
            let (wrong, right) = if stacked { (" stacked", "") } else { ("", " stacked") };
            (
                format!("`{name}` is no item of `get{wrong} diagnostics`"),
                format!("write `get{right} diagnostics … = {name}`"),
            )
        } else {
            let near = specc_diag::nearest(&name, own.iter().copied());
            let help =
                near.map_or_else(|| format!("the items are {}", own.join(", ")), |n| format!("did you mean `{n}`?"));
            (format!("there is no item `{name}`"), help)
        };
        self.refused(self.at, Problem::Syntax, message, help);
    }

    /// The option that stands here, behind `using`.
    pub(super) fn raise_option(&mut self, given: &mut Vec<String>) {
        let Some(name) = self.name().map(|name| name.to_lowercase()) else { return };
        if !RAISE_OPTIONS.contains(&&*name) {
            let near = specc_diag::nearest(&name, RAISE_OPTIONS.iter().copied());
            let help = near.map_or_else(
                || format!("the options are {}", RAISE_OPTIONS.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            self.refused(self.at, Problem::Syntax, format!("`raise` has no option `{name}`"), help);
        } else if given.contains(&name) {
            let message = format!("the option `{name}` is given twice");
            self.refused(self.at, Problem::Twice, message, "remove one of the two");
        }
        given.push(name);
    }

    /// A name that stands for a cursor is a variable that holds one.
    pub(super) fn is_cursor(&mut self, at: usize, name: &SmolStr) {
        match self.walk.variable(name).cloned() {
            None if !self.walk.may_be_made(name) => {
                let message = format!("no variable here is called `{name}`");
                self.refused(at, Problem::UnknownVariable, message, "declare it: `name refcursor;`");
            }
            Some(Shape::Type(ty)) if crate::meet::is_told(&ty) && ty.as_ref().is_none_or(|t| t.name != "refcursor") => {
                let ty = ty.map(|ty| ty.to_string()).unwrap_or_default();
                let message = format!("`{name}` is of type `{ty}`, and no cursor");
                self.refused(at, Problem::Types, message, "declare it as `refcursor`");
            }
            _ => {}
        }
    }

    /// The cursor is the last word before this place.
    pub(super) fn cursor_before(&mut self, start: usize) {
        let Some(at) = self.at.checked_sub(1).filter(|at| *at >= start) else { return };
        if let Some(name) = self.tokens[at].name(self.text) {
            self.is_cursor(at, &SmolStr::from(name));
        }
    }
}

//! Words that statements of PL/pgSQL take: items of diagnostics, options of `raise`, and cursors.

use super::reader::Reader;
use crate::Problem;
use crate::scope::Shape;
use smol_str::SmolStr;
use specc_facts::{DIAGNOSTICS_ITEMS, RAISE_OPTIONS, STACKED_ITEMS};
use specc_split::TokenKind;

/// `1 value`, `2 values`
fn values(count: usize) -> String {
    if count == 1 { "1 value".into() } else { format!("{count} values") }
}

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

    /// The errors that stand behind `when` in a handler.
    pub(super) fn conditions(&mut self) {
        let end = self.until(&["then"]);
        for at in self.at..end {
            let last = at > self.at && !self.is_at(at - 1, "or");
            match self.tokens[at].name(self.text) {
                Some(_) if self.is_at(at, "sqlstate") && !last => self.sqlstate(at + 1),
                Some(name) if !last && !self.is_at(at, "others") => self.condition(at, &name),
                _ => {}
            }
        }
    }

    /// The error that `raise` names in place of a text: its code.
    pub(super) fn raised(&mut self) -> Option<SmolStr> {
        if self.is("using") {
            return None;
        }
        let name = self.name()?;
        if self.is("sqlstate") {
            self.sqlstate(self.at + 1);
            let (from, to) = super::constant(self.text, self.tokens.get(self.at + 1)?)?;
            return Some(self.text[from..to].into());
        }
        self.condition(self.at, &name);
        specc_facts::sqlstate_of(&name).map(SmolStr::new_static)
    }

    /// The name of an error, at this token.
    fn condition(&mut self, at: usize, name: &str) {
        if specc_facts::is_condition(name) {
            return;
        }
        let help = match specc_diag::nearest(name, specc_facts::conditions()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write the error's name, or `sqlstate` and its code of five characters".to_owned(),
        };
        self.refused(at, Problem::UnknownCondition, format!("there is no error called `{name}`"), help);
    }

    /// The code behind `sqlstate`.
    fn sqlstate(&mut self, at: usize) {
        let Some((from, to)) = self.tokens.get(at).and_then(|token| super::constant(self.text, token)) else { return };
        let code = &self.text[from..to];
        if !specc_facts::is_sqlstate(code) {
            let message = format!("`{code}` is no code of an error");
            let help = "a code has five characters, each a digit or a capital letter: `'23505'`";
            self.refused(at, Problem::UnknownCondition, message, help);
        }
    }

    /// The value of `errcode` in `raise … using`, from here to `end`: a code, or the name of an error. Gives
    /// the code.
    pub(super) fn errcode(&mut self, end: usize) -> Option<SmolStr> {
        let (from, to) = self.tokens.get(self.at).and_then(|token| super::constant(self.text, token))?;
        let text = &self.text[from..to];
        if end != self.at + 1 {
            return None;
        }
        if specc_facts::is_sqlstate(text) {
            return Some(text.into());
        }
        if let Some(code) = specc_facts::sqlstate_of(text) {
            return Some(SmolStr::new_static(code));
        }
        let near = specc_diag::nearest(text, specc_facts::conditions());
        let help = near.map_or_else(
            || "a code has five characters, each a digit or a capital letter: `'P0001'`".to_owned(),
            |near| format!("did you mean `'{near}'`?"),
        );
        let message = format!("`{text}` is neither a code nor the name of an error");
        self.refused(self.at, Problem::UnknownCondition, message, help);
        None
    }

    /// The arguments of a cursor that is opened, from here to `end`: as many as it declares, and by its names.
    pub(super) fn cursor_arguments(&mut self, at: usize, cursor: &SmolStr, end: usize) {
        let Some(params) = self.walk.cursor(cursor).map(<[SmolStr]>::to_vec) else { return };
        if !self.symbol(b'(') {
            if !params.is_empty() {
                let message = format!("cursor `{cursor}` takes {}, and gets none", values(params.len()));
                self.refused(at, Problem::WrongCount, message, format!("write `{cursor}({})`", params.join(", ")));
            }
            return;
        }
        if params.is_empty() {
            let message = format!("cursor `{cursor}` takes no values");
            return self.refused(self.at, Problem::WrongCount, message, "remove the parentheses");
        }
        self.at += 1;
        let mut count = 0;
        while self.at < end && !self.symbol(b')') {
            let named = self.symbol_at(self.at + 1, b':')
                || self.symbol_at(self.at + 1, b'=') && self.symbol_at(self.at + 2, b'>');
            if let Some(name) = self.name().filter(|_| named).filter(|name| !params.iter().any(|p| p == name)) {
                let near = specc_diag::nearest(&name, params.iter().map(SmolStr::as_str));
                let help =
                    near.map_or_else(|| format!("it takes {}", params.join(", ")), |n| format!("did you mean `{n}`?"));
                self.refused(
                    self.at,
                    Problem::WrongArguments,
                    format!("cursor `{cursor}` has no argument `{name}`"),
                    help,
                );
            }
            if named {
                self.at += 3;
            }
            let stop = self.next_argument().min(end);
            self.expression_to(stop);
            count += 1;
            self.at = stop;
            self.take_symbol(b',');
        }
        if count != params.len() {
            let message = format!("cursor `{cursor}` takes {}, and gets {count}", values(params.len()));
            self.refused(at, Problem::WrongCount, message, format!("write `{cursor}({})`", params.join(", ")));
        }
    }

    /// The next comma outside of parentheses, or the parenthesis that closes those around.
    fn next_argument(&self) -> usize {
        let mut depth = 0usize;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token.kind {
                TokenKind::Symbol(b'(' | b'[') => depth += 1,
                TokenKind::Symbol(b')' | b',') if depth == 0 => return at,
                TokenKind::Symbol(b')' | b']') => depth -= 1,
                _ => {}
            }
        }
        self.tokens.len()
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

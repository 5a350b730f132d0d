//! What a body of PL/pgSQL gives back and throws, and the SQL in it.

use super::Gives;
use super::reader::Reader;
use super::sql::blank;
use crate::scope::{Output, Shape};
use crate::{Given, Problem, Returned};
use smol_str::SmolStr;
use specc_catalog::Qualified;
use specc_split::TokenKind;

impl Reader<'_, '_> {
    pub(super) fn return_statement(&mut self) -> Option<()> {
        let word = self.at - 1;
        self.returned = true;
        let sets = matches!(self.gives, Gives::Unknown | Gives::Set { .. });
        if self.is("query") || self.is("next") {
            let what = self.shown(self.at).to_lowercase();
            if !sets {
                let message = format!("`return {what}` is for functions that give back a set of rows");
                self.refused(self.at, Problem::WrongReturn, message, "write `return`, or declare `-> setof …`");
            }
        }
        if self.take("query") {
            if self.take("execute") {
                let start = self.at;
                let output = self.dynamic_text(&["using"]);
                self.given(start, self.at, output);
                if self.take("using") {
                    self.expression(&[]);
                }
            } else {
                let (start, end) = (self.at, self.until(&[]));
                let output = self.statement_to(start, end);
                self.given(start, end, output);
                let (start, end) = self.bytes(start, end);
                self.last = Some(Returned { start, end, query: true });
            }
            return self.semicolon();
        }
        let next = self.take("next");
        let empty = self.symbol(b';') || self.at >= self.tokens.len();
        let (message, help) = match (self.gives, next, empty) {
            (Gives::Nothing | Gives::EventTrigger, false, false) => {
                ("a value is returned, and the function gives back nothing", "write `return;`")
            }
            (Gives::Procedure, false, false) => ("a procedure returns no value", "write `return;`"),
            (Gives::Outs, false, false) | (Gives::Set { outs: true }, true, false) => (
                "a value is returned, and the function gives back its `out` parameters",
                "assign to them, and write no value",
            ),
            (Gives::Set { .. }, false, false) => {
                ("a value is returned, and the function gives back a set", "write `return next …` or `return query …`")
            }
            (Gives::Value | Gives::Trigger, false, true) | (Gives::Set { outs: false }, true, true) => {
                ("no value is returned, and the function gives back one", "write the value after `return`")
            }
            _ => ("", ""),
        };
        if !message.is_empty() {
            self.refused(if empty { word } else { self.at }, Problem::WrongReturn, message, help);
        }
        if self.gives == Gives::Trigger && self.symbol_at(self.at + 1, b';') && self.is_no_row(self.at) {
            let message = format!("a trigger returns a row or null, and `{}` is neither", self.shown(self.at));
            self.refused(
                self.at,
                Problem::WrongReturn,
                message,
                "write `return new;`, `return old;` or `return null;`",
            );
        }
        if !empty {
            let shape = self.returns.clone().map_or(Shape::Open, |ty| Shape::Type(Some(ty)));
            let from = self.at;
            self.assigned(&shape);
            let (start, end) = self.bytes(from, self.at);
            self.last = (!next).then_some(Returned { start, end, query: false });
        }
        self.semicolon()
    }

    /// A number, a text, `true` or `false`.
    fn is_no_row(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let text = &self.text[token.start..token.end];
        let number = token.kind == TokenKind::Word && text.starts_with(|c: char| c.is_ascii_digit());
        number || token.kind == TokenKind::Text || self.is_at(at, "true") || self.is_at(at, "false")
    }

    /// A function that gives back a value has to come to a `return`, unless it throws.
    pub(super) fn ends_with_a_value(&mut self) {
        let throws = (0..self.tokens.len()).any(|at| self.is_at(at, "raise"));
        if self.returned || throws || !matches!(self.gives, Gives::Value | Gives::Trigger) {
            return;
        }
        let help = if self.gives == Gives::Trigger {
            "write `return new;` before `end`"
        } else {
            "write `return …;` before `end`"
        };
        let last = (0..self.tokens.len()).rev().find(|at| self.is_at(*at, "end")).unwrap_or_default();
        self.refused(last, Problem::WrongReturn, "the function comes to its end without `return`", help);
    }

    /// Rows that the function gives back.
    fn given(&mut self, from: usize, to: usize, output: Output) {
        let (start, end) = self.bytes(from, to);
        let columns = output.complete.then_some(output.columns);
        self.walk.out.given.push(Given { start, end, columns, stars: output.stars });
    }

    /// `raise level 'text', values using option = value`
    pub(super) fn raise(&mut self) -> Option<()> {
        if self.symbol(b';') && self.handlers == 0 {
            let help = "write `raise exception '…'`, or put it behind `exception when … then`";
            self.refused(self.at - 1, Problem::NotHere, "`raise` alone stands outside of a handler", help);
        }
        let told = ["debug", "log", "info", "notice", "warning"].into_iter().any(|level| self.take(level));
        let mut code = Some(SmolStr::new_static("P0001"));
        if !told {
            self.take("exception");
            self.walk.out.raises = true;
        }
        let is_text = self.tokens.get(self.at).is_some_and(|token| token.kind == TokenKind::Text);
        if is_text {
            let text = self.at;
            self.at += 1;
            // A text in several parts is not counted.
            let counted = !self.tokens.get(self.at).is_some_and(|token| token.kind == TokenKind::Text);
            let mut values = 0;
            let end = self.until(&["using"]);
            if self.take_symbol(b',') {
                let mut depth = 0usize;
                for at in self.at..end {
                    match self.tokens[at].kind {
                        TokenKind::Symbol(b'(' | b'[') => depth += 1,
                        TokenKind::Symbol(b')' | b']') => depth = depth.saturating_sub(1),
                        TokenKind::Symbol(b',') if depth == 0 => values += 1,
                        _ => {}
                    }
                }
                values += 1;
                self.needed(&["using"], "raise …,")?;
            }
            if counted && self.at == end {
                self.placeholders(text, values);
            }
        } else {
            code = self.raised().or(code);
        }
        self.at = self.until(&["using"]);
        if self.take("using") {
            let mut given: Vec<String> = Vec::new();
            while !self.symbol(b';') && self.at < self.tokens.len() {
                // The option's name, and `=` or `:=`.
                self.raise_option(&mut given);
                let is_code = self.is("errcode");
                self.at += 1;
                self.take_symbol(b':');
                self.take_symbol(b'=');
                let end = self.next_outer_comma();
                if is_code {
                    code = self.errcode(end);
                }
                self.expression_to(end);
                self.at = end;
                self.take_symbol(b',');
            }
        }
        self.walk.out.codes.extend(code.filter(|_| !told));
        self.semicolon()
    }

    /// `perform` stands where `select` would.
    pub(super) fn perform(&mut self) -> Option<()> {
        if self.is("select") {
            let help = "write `perform …`, which stands for `select`, or `perform (select …)`";
            return self.broken(self.at, "`select` stands behind `perform`", help);
        }
        self.needed(&[], "perform")?;
        self.semicolon()
    }

    /// After `execute`: a text, what its rows go into, and its parameters.
    pub(super) fn dynamic(&mut self) {
        let output = self.dynamic_text(&["into", "using"]);
        for _ in 0..2 {
            if self.take("into") {
                self.take("strict");
                let start = self.at;
                let targets = self.targets();
                self.put(&targets, &output, self.bytes(start, self.at));
            }
            if self.take("using") {
                self.expression(&["into"]);
            }
        }
    }

    /// The text of `execute`, up to one of these words: one that is a literal is read as a statement. It sees no variables.
    pub(super) fn dynamic_text(&mut self, words: &[&str]) -> Output {
        let end = self.until(words);
        if end > self.at
            && let Some(output) = self.run_text(end)
        {
            return output;
        }
        self.walk.out.dynamic = true;
        self.expression(words);
        Output::open()
    }

    pub(super) fn open(&mut self) -> Option<()> {
        if let ([name], _) = (&self.names().0[..], ()) {
            let name = SmolStr::from(name.as_str());
            self.is_cursor(self.at, &name);
            let (at, end) = (self.at, self.until(&["for"]));
            self.at += 1;
            if end >= self.tokens.len() || self.symbol_at(end, b';') {
                self.cursor_arguments(at, &name, end);
            }
        }
        self.at = self.until(&["for"]);
        if self.take("for") {
            if self.take("execute") {
                self.dynamic();
            } else {
                let end = self.until(&[]);
                self.statement_to(self.at, end);
            }
        }
        self.semicolon()
    }

    /// A statement of SQL, what its rows go into blanked.
    pub(super) fn sql_statement(&mut self) {
        let start = self.at;
        let end = self.until(&[]);
        let (from, to) = self.bytes(start, end);
        let mut text = self.text[from..to].to_owned();
        let mut targets = Vec::new();
        let mut stored = false;
        let mut depth = 0usize;
        let mut at = start;
        while at < end {
            match self.tokens[at].kind {
                TokenKind::Symbol(b'(') => depth += 1,
                TokenKind::Symbol(b')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            let writes = at > start && ["insert", "merge"].iter().any(|word| self.is_at(at - 1, word));
            if depth == 0 && self.is_at(at, "into") && !writes {
                self.at = at + 1;
                self.take("strict");
                stored = true;
                targets = self.targets();
                let (first, last) = self.bytes(at, self.at);
                text.replace_range(first - from..last - from, &blank(&self.text[first..last]));
                at = self.at.max(at + 1);
                continue;
            }
            at += 1;
        }
        self.at = end;
        let output = self.walk.read_changed(&text, from);
        if let Some(problem) = self.walk.unreadable.take() {
            return self.unreadable(start, end, problem);
        }
        self.put(&targets, &output, (from, to));
        let asks = self.is_at(start, "select") || self.is_at(start, "values");
        if !stored && (asks || !output.columns.is_empty()) {
            let (message, help) = match asks {
                true => (
                    "the rows of this query go nowhere",
                    "write `perform …` instead of `select …`, or put them `into` a variable",
                ),
                false => {
                    ("what this statement returns goes nowhere", "put it `into` a variable, or remove `returning`")
                }
            };
            self.refused(start, Problem::WrongReturn, message, help);
        }
    }

    /// Rows of a query go into variables.
    pub(super) fn put(&mut self, targets: &[Shape], output: &Output, place: (usize, usize)) {
        match targets {
            [] | [Shape::Record(_) | Shape::Open | Shape::Cursor(..)] => {}
            [one] => {
                if let Some(ty) = self.type_of_shape(one) {
                    let row = self.walk.is_row_type(&ty).then(|| Qualified::new(ty.schema, ty.name));
                    self.walk.by_order(Some(place), row.as_ref(), output);
                }
            }
            _ => self.walk.by_order(Some(place), None, output),
        }
        for target in targets {
            let Shape::Record(at) = target else { continue };
            let record = &mut self.walk.records[*at];
            if output.complete && targets.len() == 1 {
                record.fields.extend(output.columns.iter().map(|(name, _)| name.clone()));
            } else {
                record.open = true;
            }
        }
    }

    pub(super) fn unknown_into(&mut self, targets: &[Shape]) {
        for target in targets {
            if let Shape::Record(at) = target {
                self.walk.records[*at].open = true;
            }
        }
    }
}

/// Where the statement in a literal stands that can be read as it is; texts with escapes are left alone.
pub(crate) fn constant(text: &str, token: &specc_split::Token) -> Option<(usize, usize)> {
    let written = &text[token.start..token.end];
    if token.kind != TokenKind::Text {
        return None;
    }
    if let Some(inner) = written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return (!inner.contains('\'')).then_some((token.start + 1, token.end - 1));
    }
    let tag = written.strip_prefix('$')?.find('$')? + 2;
    (written.len() >= 2 * tag).then_some((token.start + tag, token.end - tag))
}

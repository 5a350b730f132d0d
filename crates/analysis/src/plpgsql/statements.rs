//! Blocks and statements of PL/pgSQL.

use super::reader::Reader;
use crate::Problem;
use crate::scope::{Conflict, Frame, Shape};
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_split::TokenKind;

/// How deep blocks are followed.
const DEEP: usize = 60;

/// The variables of a handler.
fn handler() -> Frame {
    let names = super::OF_HANDLERS.map(SmolStr::new_static);
    let text = || Shape::Type(crate::query::plain("text"));
    Frame {
        variables: names.iter().map(|name| (name.clone(), text())).collect(),
        constants: names.into(),
        ..Frame::default()
    }
}

impl Reader<'_, '_> {
    /// The block that a body is; `None` where it cannot be read.
    pub(super) fn outer_block(&mut self) -> Option<()> {
        while self.symbol(b'#') {
            if self.is_at(self.at + 1, "variable_conflict") {
                self.walk.conflict = match () {
                    () if self.is_at(self.at + 2, "use_variable") => Conflict::Variable,
                    () if self.is_at(self.at + 2, "use_column") => Conflict::Column,
                    () => Conflict::Error,
                };
            }
            self.at += 3;
        }
        self.block()?;
        if self.at < self.tokens.len() {
            let message = format!("`{}` stands behind the end of the body", self.shown(self.at));
            return self.broken(self.at, message, "remove it, or the `end` that is too many");
        }
        Some(())
    }

    /// `<<label>>`, if one stands here.
    pub(super) fn label(&mut self) -> Option<SmolStr> {
        if !(self.symbol(b'<') && self.symbol_at(self.at + 1, b'<')) {
            return None;
        }
        self.at += 2;
        let name = self.name()?;
        self.at += 3;
        Some(name.into())
    }

    fn block(&mut self) -> Option<()> {
        let label = self.label().unwrap_or_default();
        self.walk.frames.push(Frame { label, ..Frame::default() });
        let read = self.block_here();
        self.walk.frames.pop();
        read
    }

    fn block_here(&mut self) -> Option<()> {
        if self.is("declare") {
            self.declarations()?;
        }
        if !self.take("begin") {
            let message = format!("expected `begin`, found `{}`", self.shown(self.at));
            return self.broken(self.at, message, "a body of plpgsql is `begin … end`, with `declare …` before it");
        }
        let start = self.at;
        let caught = self.catches_names(start);
        self.walk.caught += usize::from(caught);
        let read = self.statements(&["end", "exception"], start - 1);
        self.walk.caught -= usize::from(caught);
        read?;
        if self.take("exception") {
            while self.take("when") {
                self.conditions();
                self.at = self.until(&["then"]);
                self.need("then", "when")?;
                self.handlers += 1;
                self.walk.frames.push(handler());
                let read = self.statements(&["end", "when"], start - 1);
                self.walk.frames.pop();
                self.handlers -= 1;
                read?;
            }
        }
        self.end(None)
    }

    /// Whether the block that begins here handles what is thrown for a name that is not there.
    fn catches_names(&self, start: usize) -> bool {
        self.tokens[start..].iter().any(|token| {
            ["undefined_table", "undefined_column", "undefined_function", "undefined_object", "invalid_schema_name"]
                .iter()
                .any(|word| token.is(self.text, word))
        })
    }

    /// `end`, the word that it ends, a label, and a semicolon.
    pub(super) fn end(&mut self, word: Option<&str>) -> Option<()> {
        let here = self.at;
        if !self.take("end") {
            return None;
        }
        if let Some(word) = word
            && !self.take(word)
        {
            let message = format!("`{word}` is not closed before this `end`");
            return self.broken(here, message, format!("write `end {word};`"));
        }
        if !self.symbol(b';') && self.at < self.tokens.len() {
            let closes = ["if", "loop", "case"].iter().find(|other| self.is(other));
            if let Some(other) = closes {
                let message = format!("`end {other}` closes nothing here");
                return self.broken(here, message, "close what was begun last");
            }
            self.at += 1;
        }
        if self.take_symbol(b';') || self.at >= self.tokens.len() {
            return Some(());
        }
        let message = format!("expected `;` before `{}`", self.shown(self.at));
        self.broken(self.at, message, "write `end …;`")
    }

    /// Statements up to one of these words; what they stand in begins at `opened`.
    pub(super) fn statements(&mut self, stops: &[&str], opened: usize) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEP {
            return None;
        }
        while !stops.iter().any(|word| self.is(word)) {
            if self.at >= self.tokens.len() {
                let word = self.shown(opened).to_lowercase();
                let end = if word == "begin" { "end".to_owned() } else { format!("end {word}") };
                let message = format!("`{word}` is never closed");
                return self.broken(opened, message, format!("write `{end};` where it ends"));
            }
            self.one()?;
        }
        self.depth -= 1;
        Some(())
    }

    fn one(&mut self) -> Option<()> {
        if self.take_symbol(b';') {
            return Some(());
        }
        self.statements += 1;
        let labelled = self.symbol(b'<') && self.symbol_at(self.at + 1, b'<');
        let after = if labelled { self.at + 5 } else { self.at };
        if self.is_at(after, "declare") || self.is_at(after, "begin") {
            return self.block();
        }
        let label = self.label();
        // A variable may be called like a key word.
        if self.is_assignment() {
            return self.assignment();
        }
        let Some(word) = self.tokens.get(self.at).filter(|token| token.kind == TokenKind::Word) else {
            let message = format!("no statement begins with `{}`", self.shown(self.at));
            return self.broken(self.at, message, "an assignment is `name := value`");
        };
        let word = self.text[word.start..word.end].to_ascii_lowercase();
        let here = self.at;
        self.at += 1;
        match &*word {
            "if" => self.if_statement(),
            "case" => self.case_statement(),
            "loop" => self.loop_body(label, here),
            "while" => {
                self.needed(&["loop"], "while")?;
                self.need("loop", "while")?;
                self.loop_body(label, here)
            }
            "for" => self.for_loop(label),
            "foreach" => self.foreach(label),
            "exit" | "continue" => {
                self.leave(&word);
                self.at = self.until(&["when"]);
                if self.take("when") {
                    self.needed(&[], "when")?;
                }
                self.semicolon()
            }
            "return" => self.return_statement(),
            "raise" => self.raise(),
            "assert" => {
                self.needed(&[], "assert")?;
                self.semicolon()
            }
            "perform" => self.perform(),
            "execute" => {
                self.dynamic();
                self.semicolon()
            }
            "get" => {
                let stacked = !self.take("current") && self.take("stacked");
                self.take("diagnostics");
                while !self.symbol(b';') && self.at < self.tokens.len() {
                    self.targets();
                    self.diagnostics_item(stacked);
                    self.at = self.until(&[]).min(self.next_comma());
                    self.take_symbol(b',');
                }
                self.semicolon()
            }
            "open" => self.open(),
            "fetch" | "move" => {
                let start = self.at;
                self.at = self.until(&["into"]);
                self.cursor_before(start);
                if word == "fetch" && !self.is("into") {
                    return self.broken(self.at, "`fetch` puts its row nowhere", "write `fetch … into variable`");
                }
                let cursor = self.at.checked_sub(1).and_then(|at| self.tokens[at].name(self.text));
                let output = cursor.map(|name| self.walk.rows_of_cursor(&name)).unwrap_or_default();
                if self.take("into") {
                    let targets = self.targets();
                    self.put(&targets, &output, self.bytes(start, self.at));
                }
                self.semicolon()
            }
            "close" => {
                let start = self.at;
                self.at = self.until(&[]);
                self.cursor_before(start);
                self.semicolon()
            }
            "null" | "commit" | "rollback" => self.semicolon(),
            _ => {
                self.at = here;
                self.no_statement(&word)?;
                self.sql_statement();
                self.semicolon()
            }
        }
    }

    /// `exit` and `continue` leave a loop, or a block by its label.
    fn leave(&mut self, word: &str) {
        let label = self.name().filter(|name| name != "when");
        match label {
            Some(label) if !self.walk.frames.iter().any(|frame| frame.label == label) => {
                let message = format!("no loop or block around this is called `{label}`");
                self.refused(self.at, Problem::Syntax, message, "write `<<label>>` before the loop");
            }
            Some(label)
                if word == "continue"
                    && self.walk.frames.iter().rev().find(|f| f.label == label).is_some_and(|f| !f.is_loop) =>
            {
                let message = format!("`{label}` is a block, and only a loop is continued");
                self.refused(self.at, Problem::Syntax, message, "name the label of a loop, or write `exit`");
            }
            None if self.loops == 0 => {
                let message = format!("`{word}` stands outside of a loop");
                self.refused(self.at - 1, Problem::Syntax, message, "write `return`, or put it into a loop");
            }
            _ => {}
        }
    }

    fn next_comma(&self) -> usize {
        let rest = self.tokens.iter().enumerate().skip(self.at);
        rest.into_iter().find(|(_, t)| t.kind == TokenKind::Symbol(b',')).map_or(usize::MAX, |(at, _)| at)
    }

    /// `name := …`, `name.field = …`, `name[1] := …`
    fn is_assignment(&self) -> bool {
        let (names, mut at) = self.names();
        if names.is_empty() {
            return false;
        }
        while self.symbol_at(at, b'[') {
            let mut depth = 0usize;
            while let Some(token) = self.tokens.get(at) {
                match token.kind {
                    TokenKind::Symbol(b'[') => depth += 1,
                    TokenKind::Symbol(b']') => depth -= 1,
                    TokenKind::Symbol(b';') => return false,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            if self.symbol_at(at, b'.') {
                at += 2;
            }
        }
        self.symbol_at(at, b':') && self.symbol_at(at + 1, b'=') || self.symbol_at(at, b'=')
    }

    fn assignment(&mut self) -> Option<()> {
        let before = self.walk.out.references.len();
        let name = self.names().0.into_iter().next().map(SmolStr::from);
        let targets = self.targets();
        self.walk.writes_since(before);
        while !self.symbol(b'=') && !self.symbol(b';') && self.at < self.tokens.len() {
            self.at += 1;
        }
        self.take_symbol(b'=');
        if self.symbol(b';') || self.at >= self.tokens.len() {
            return self.broken(self.at, "expected a value after `:=`", "write `name := value;`");
        }
        let shape = targets.into_iter().next().unwrap_or(Shape::Open);
        if let Shape::Record(at) = shape {
            self.walk.records[at].open = true;
        }
        let value = self.assigned(&shape);
        self.walk.out.held.extend(name.map(|name| (name, value)));
        self.semicolon()
    }

    fn if_statement(&mut self) -> Option<()> {
        const STOPS: &[&str] = &["end", "else", "elsif", "elseif"];
        let opened = self.at - 1;
        self.needed(&["then"], "if")?;
        self.need("then", "if")?;
        self.statements(STOPS, opened)?;
        while self.take("elsif") || self.take("elseif") {
            self.needed(&["then"], "elsif")?;
            self.need("then", "elsif")?;
            self.statements(STOPS, opened)?;
        }
        if self.take("else") {
            self.statements(&["end"], opened)?;
        }
        self.end(Some("if"))
    }

    fn case_statement(&mut self) -> Option<()> {
        let opened = self.at - 1;
        let mut subject = None;
        if !self.is("when") {
            let output = self.expression(&["when"]);
            subject = output.columns.into_iter().next().and_then(|(_, ty)| ty);
        }
        while self.take("when") {
            if let Some(ty) = &subject {
                self.labels_of_case(ty);
            }
            self.needed(&["then"], "when")?;
            self.need("then", "when")?;
            self.statements(&["when", "else", "end"], opened)?;
        }
        if self.take("else") {
            self.statements(&["end"], opened)?;
        }
        self.end(Some("case"))
    }

    /// Literals behind `when` are values of the type that `case` compares.
    fn labels_of_case(&mut self, ty: &DataType) {
        let Some(labels) = self.walk.env.labels(&ty.schema, &ty.name).filter(|_| ty.dims == 0) else { return };
        let end = self.until(&["then"]);
        for at in self.at..end {
            let alone =
                (at == self.at || self.symbol_at(at - 1, b',')) && (at + 1 == end || self.symbol_at(at + 1, b','));
            if let Some((from, to)) = super::constant(self.text, &self.tokens[at]).filter(|_| alone) {
                let token = &self.tokens[at];
                self.walk.label(ty, &labels, self.text[from..to].into(), (token.start, token.end));
            }
        }
    }

    /// The next comma outside of parentheses, or the semicolon.
    pub(super) fn next_outer_comma(&self) -> usize {
        let mut depth = 0usize;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token.kind {
                TokenKind::Symbol(b'(' | b'[') => depth += 1,
                TokenKind::Symbol(b')' | b']') => depth = depth.saturating_sub(1),
                TokenKind::Symbol(b',') if depth == 0 => return at,
                TokenKind::Symbol(b';') => return at,
                _ => {}
            }
        }
        self.tokens.len()
    }
}

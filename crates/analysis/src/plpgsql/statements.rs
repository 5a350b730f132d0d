//! Blocks and statements of PL/pgSQL.

use super::reader::Reader;
use super::sql::blank;
use crate::scope::{Frame, Output, Shape};
use smol_str::SmolStr;
use specc_split::TokenKind;

/// How deep blocks are followed.
const DEEP: usize = 60;

impl Reader<'_, '_> {
    /// The block that a body is; `None` where it cannot be read.
    pub(super) fn outer_block(&mut self) -> Option<()> {
        while self.symbol(b'#') {
            // `#variable_conflict use_column`
            self.at += 3;
        }
        self.block()
    }

    /// `<<label>>`, if one stands here.
    fn label(&mut self) -> Option<SmolStr> {
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
        self.walk.frames.push(Frame { label, variables: Vec::new() });
        let read = self.block_here();
        self.walk.frames.pop();
        read
    }

    fn block_here(&mut self) -> Option<()> {
        if self.is("declare") {
            self.declarations()?;
        }
        if !self.take("begin") {
            return None;
        }
        let start = self.at;
        let caught = self.catches_names(start);
        self.walk.caught += usize::from(caught);
        let read = self.statements(&["end", "exception"]);
        self.walk.caught -= usize::from(caught);
        read?;
        if self.take("exception") {
            while self.take("when") {
                self.at = self.until(&["then"]);
                self.take("then");
                self.statements(&["end", "when"])?;
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
    fn end(&mut self, word: Option<&str>) -> Option<()> {
        if !self.take("end") {
            return None;
        }
        if let Some(word) = word {
            self.take(word).then_some(())?;
        }
        if !self.symbol(b';') && self.at < self.tokens.len() {
            self.at += 1;
        }
        (self.take_symbol(b';') || self.at >= self.tokens.len()).then_some(())
    }

    /// Statements up to one of these words.
    fn statements(&mut self, stops: &[&str]) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEP {
            return None;
        }
        while !stops.iter().any(|word| self.is(word)) {
            if self.at >= self.tokens.len() {
                return None;
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
        let word = self.tokens.get(self.at).filter(|token| token.kind == TokenKind::Word)?;
        let word = self.text[word.start..word.end].to_ascii_lowercase();
        self.at += 1;
        match &*word {
            "if" => self.if_statement(),
            "case" => self.case_statement(),
            "loop" => self.loop_body(label),
            "while" => {
                self.expression(&["loop"]);
                self.take("loop");
                self.loop_body(label)
            }
            "for" => self.for_loop(label),
            "foreach" => self.foreach(label),
            "exit" | "continue" => {
                self.at = self.until(&["when"]);
                if self.take("when") {
                    self.expression(&[]);
                }
                self.semicolon()
            }
            "return" => self.return_statement(),
            "raise" => self.raise(),
            "assert" => {
                self.expression(&[]);
                self.semicolon()
            }
            "perform" => self.perform(),
            "execute" => {
                self.dynamic();
                self.semicolon()
            }
            "get" => {
                self.take("current");
                self.take("stacked");
                self.take("diagnostics");
                while !self.symbol(b';') && self.at < self.tokens.len() {
                    self.targets();
                    self.at = self.until(&[]).min(self.next_comma());
                    self.take_symbol(b',');
                }
                self.semicolon()
            }
            "open" => self.open(),
            "fetch" | "move" => {
                self.at = self.until(&["into"]);
                if self.take("into") {
                    let targets = self.targets();
                    self.unknown_into(&targets);
                }
                self.semicolon()
            }
            "close" | "null" | "commit" | "rollback" => self.semicolon(),
            "end" | "else" | "elsif" | "elseif" | "then" | "exception" => None,
            _ => {
                self.at -= 1;
                let output = self.sql_statement();
                let _ = output;
                self.semicolon()
            }
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
        let targets = self.targets();
        while !self.symbol(b'=') && !self.symbol(b';') && self.at < self.tokens.len() {
            self.at += 1;
        }
        self.take_symbol(b'=');
        let shape = targets.into_iter().next().unwrap_or(Shape::Open);
        if let Shape::Record(at) = shape {
            self.walk.records[at].open = true;
        }
        self.assigned(&shape);
        self.semicolon()
    }

    fn if_statement(&mut self) -> Option<()> {
        self.expression(&["then"]);
        self.take("then");
        self.statements(&["end", "else", "elsif", "elseif"])?;
        while self.take("elsif") || self.take("elseif") {
            self.expression(&["then"]);
            self.take("then");
            self.statements(&["end", "else", "elsif", "elseif"])?;
        }
        if self.take("else") {
            self.statements(&["end"])?;
        }
        self.end(Some("if"))
    }

    fn case_statement(&mut self) -> Option<()> {
        if !self.is("when") {
            self.expression(&["when"]);
        }
        while self.take("when") {
            self.expression(&["then"]);
            self.take("then");
            self.statements(&["when", "else", "end"])?;
        }
        if self.take("else") {
            self.statements(&["end"])?;
        }
        self.end(Some("case"))
    }

    /// From after `loop` on.
    fn loop_body(&mut self, label: Option<SmolStr>) -> Option<()> {
        self.in_loop(Frame { label: label.unwrap_or_default(), variables: Vec::new() })
    }

    fn in_loop(&mut self, frame: Frame) -> Option<()> {
        self.walk.frames.push(frame);
        let read = self.statements(&["end"]);
        self.walk.frames.pop();
        read?;
        self.end(Some("loop"))
    }

    fn for_loop(&mut self, label: Option<SmolStr>) -> Option<()> {
        let frame = Frame { label: label.unwrap_or_default(), variables: Vec::new() };
        // An integer loop declares its variable; a loop over rows has one already.
        let start = self.at;
        self.at = self.until(&["in"]);
        self.take("in");
        let inside = self.at;
        let end = self.until(&["loop"]);
        let middle = (inside..end).find(|at| self.symbol_at(*at, b'.') && self.symbol_at(at + 1, b'.'));
        let first = self.tokens.get(inside)?;
        let starts_query = ["select", "with", "insert", "update", "delete", "values", "merge", "table", "execute"]
            .iter()
            .any(|word| first.is(self.text, word));
        if let Some(middle) = middle.filter(|_| !starts_query) {
            self.at = start;
            let name = self.name()?;
            self.at = inside;
            self.take("reverse");
            self.expression_to(middle);
            self.at = middle + 2;
            self.expression(&["loop", "by"]);
            if self.take("by") {
                self.expression(&["loop"]);
            }
            self.take("loop");
            let variables = vec![(name.into(), Shape::Type(crate::query::plain("int")))];
            return self.in_loop(Frame { variables, ..frame });
        }
        self.at = start;
        let mut variables = Vec::new();
        let single = self.names();
        let targets = match &single.0[..] {
            // The cursor of a loop is its record.
            [name] if self.walk.variable(name).is_none() && single.1 + 1 == inside && !starts_query => {
                variables.push((name.into(), Shape::Open));
                Vec::new()
            }
            _ => self.targets(),
        };
        self.at = inside;
        if self.take("execute") {
            self.walk.out.dynamic = true;
            self.expression(&["using", "loop"]);
            if self.take("using") {
                self.expression(&["loop"]);
            }
            self.unknown_into(&targets);
        } else if starts_query || self.symbol(b'(') {
            let (from, to) = self.bytes(inside, end);
            let output = self.walk.read_statement(from, to);
            self.put(&targets, &output);
        } else {
            // A cursor with its arguments.
            self.unknown_into(&targets);
        }
        self.at = end;
        self.take("loop");
        self.in_loop(Frame { variables, ..frame })
    }

    fn foreach(&mut self, label: Option<SmolStr>) -> Option<()> {
        let targets = self.targets();
        self.unknown_into(&targets);
        self.at = self.until(&["array", "loop"]);
        self.take("array");
        self.expression(&["loop"]);
        self.take("loop");
        self.loop_body(label)
    }

    fn return_statement(&mut self) -> Option<()> {
        if self.take("query") {
            if self.take("execute") {
                self.walk.out.dynamic = true;
                self.expression(&["using"]);
                if self.take("using") {
                    self.expression(&[]);
                }
            } else {
                let end = self.until(&[]);
                let (start, stop) = self.bytes(self.at, end);
                self.walk.read_statement(start, stop);
            }
            return self.semicolon();
        }
        self.take("next");
        if !self.symbol(b';') {
            let shape = self.returns.clone().map_or(Shape::Open, |ty| Shape::Type(Some(ty)));
            self.assigned(&shape);
        }
        self.semicolon()
    }

    /// `raise level 'text', values using option = value`
    fn raise(&mut self) -> Option<()> {
        for level in ["debug", "log", "info", "notice", "warning", "exception"] {
            if self.take(level) {
                break;
            }
        }
        let is_text = self.tokens.get(self.at).is_some_and(|token| token.kind == TokenKind::Text);
        if is_text {
            self.at += 1;
            if self.take_symbol(b',') {
                self.expression(&["using"]);
            }
        }
        self.at = self.until(&["using"]);
        if self.take("using") {
            while !self.symbol(b';') && self.at < self.tokens.len() {
                // The option's name, and `=` or `:=`.
                self.at += 1;
                self.take_symbol(b':');
                self.take_symbol(b'=');
                let end = self.next_outer_comma();
                self.expression_to(end);
                self.at = end;
                self.take_symbol(b',');
            }
        }
        self.semicolon()
    }

    /// The next comma outside of parentheses, or the semicolon.
    fn next_outer_comma(&self) -> usize {
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

    /// `perform` stands where `select` would.
    fn perform(&mut self) -> Option<()> {
        self.expression(&[]);
        self.semicolon()
    }

    /// After `execute`: a text that is put together, what its rows go into, and its parameters.
    fn dynamic(&mut self) {
        self.walk.out.dynamic = true;
        self.expression(&["into", "using"]);
        for _ in 0..2 {
            if self.take("into") {
                self.take("strict");
                let targets = self.targets();
                self.unknown_into(&targets);
            }
            if self.take("using") {
                self.expression(&["into"]);
            }
        }
    }

    fn open(&mut self) -> Option<()> {
        self.at = self.until(&["for"]);
        if self.take("for") {
            if self.take("execute") {
                self.dynamic();
            } else {
                let end = self.until(&[]);
                let (start, stop) = self.bytes(self.at, end);
                self.walk.read_statement(start, stop);
            }
        }
        self.semicolon()
    }

    /// A statement of SQL, what its rows go into blanked.
    fn sql_statement(&mut self) -> Output {
        let start = self.at;
        let end = self.until(&[]);
        let (from, to) = self.bytes(start, end);
        let mut text = self.text[from..to].to_owned();
        let mut targets = Vec::new();
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
        self.put(&targets, &output);
        output
    }

    /// Rows of a query go into variables.
    fn put(&mut self, targets: &[Shape], output: &Output) {
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

    fn unknown_into(&mut self, targets: &[Shape]) {
        for target in targets {
            if let Shape::Record(at) = target {
                self.walk.records[*at].open = true;
            }
        }
    }
}

//! The walk over a text: what is in sight, and what was found.

use crate::environment::{Environment, Lookup};
use crate::scope::{Conflict, Frame, Level, Output, Record, Shape, Source, seen};
use crate::text::Part;
use crate::{Analysis, Carried, Finding, Problem, Reference, Stars, Target};
use smol_str::SmolStr;
use specc_catalog::Qualified;
use specc_diag::{FileId, Span};
use specc_expr::sqlparser::tokenizer;
use specc_split::{Lexer, TokenKind};

/// A row that an expression is about.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is called; empty for the relation's own name.
    pub name: SmolStr,
    /// The relation.
    pub relation: Qualified,
    /// Whether a column needs the name before it, as `new` and `old` do.
    pub named_only: bool,
}

/// Resolves a query, such as that of a view.
pub fn query(env: &dyn Environment, text: &str) -> Analysis {
    let mut walk = Walk::new(env, text);
    walk.fixed_path = true;
    walk.view = true;
    let output = walk.read_query(0, text.len());
    if output.complete {
        walk.out.columns = Some(output.columns);
    }
    walk.finish()
}

/// Resolves an expression over rows, such as a check, a default or a policy's condition.
pub fn expression(env: &dyn Environment, text: &str, rows: &[Row]) -> Analysis {
    let mut walk = Walk::new(env, text);
    walk.fixed_path = true;
    let mut level = Level::default();
    for row in rows {
        level.sources.push(walk.row(row));
    }
    walk.levels.push(level);
    walk.read_expression(0, text.len());
    walk.finish()
}

/// Resolves a value of this type over rows, such as a default: a literal of an enum is one of its labels.
pub fn value(env: &dyn Environment, text: &str, rows: &[Row], ty: &specc_catalog::DataType) -> Analysis {
    let mut walk = Walk::new(env, text);
    let level = Level { sources: rows.iter().map(|row| walk.row(row)).collect(), ..Level::default() };
    walk.levels.push(level);
    walk.read_expression(0, text.len());
    // What is built in has no labels.
    if !ty.schema.is_empty()
        && let Ok(expr) = specc_expr::parse_expr(text, nowhere())
    {
        walk.wanted(&Part::new(text, 0, 0), &expr, &Some(ty.clone()));
    }
    walk.finish()
}

/// Takes every word of statements of any kind for a name.
pub fn words(env: &dyn Environment, text: &str) -> Analysis {
    let mut walk = Walk::new(env, text);
    walk.words(0, text.len());
    walk.finish()
}

/// Why a part cannot be read, and its place in the whole text.
pub(crate) struct Unreadable {
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub help: Option<String>,
    /// It is so in whatever stands around it.
    pub certain: bool,
}

impl Unreadable {
    /// Of what stands at `start`, with `before` bytes put before it.
    pub(crate) fn new(found: specc_diag::Diagnostic, start: usize, before: usize) -> Self {
        let span = found.span();
        let at = |byte: u32| start + (byte as usize).saturating_sub(before);
        let certain = found.code == specc_diag::codes::BAD_CHARACTER;
        Self { start: at(span.start), end: at(span.end), message: found.message, help: found.help, certain }
    }
}

/// How deep a tree is followed; what is nested deeper is taken as it is.
const DEEP: usize = 120;

pub(crate) struct Walk<'a> {
    pub env: &'a dyn Environment,
    /// The whole text.
    pub text: &'a str,
    /// Schemas in which names without one are looked for.
    pub path: Vec<SmolStr>,
    /// The path is the text's own, or that of who makes the object: what is not in it is not found.
    pub fixed_path: bool,
    /// The text says it itself.
    pub own_path: bool,
    pub out: Analysis,
    pub levels: Vec<Level>,
    /// `with` queries in sight, the innermost last.
    pub with: Vec<(SmolStr, Output)>,
    /// Variables and parameters in sight, the innermost last.
    pub frames: Vec<Frame>,
    /// Types of `$1`, `$2` …
    pub numbered: Vec<crate::scope::Ty>,
    /// Whether these are all.
    pub all_numbered: bool,
    pub records: Vec<Record>,
    /// Relations that the text makes itself.
    pub made: Vec<SmolStr>,
    /// Temporary tables among them.
    pub made_temporary: Vec<SmolStr>,
    /// Those that were made up to here, with what they have.
    pub temporary: Vec<(SmolStr, Output)>,
    /// Transition tables of a trigger, each with the relation whose rows it has.
    pub transitions: Vec<(SmolStr, Qualified)>,
    /// The last part that could not be read, for who knows whether that is certain.
    pub unreadable: Option<Unreadable>,
    /// A part that cannot be read was reported.
    pub broken: bool,
    /// It is the function of triggers that are not known, and so are their transition tables.
    pub open_tables: bool,
    /// Names that stand in strings of the text: it may ask whether they are there, or make them.
    strings: Option<Vec<SmolStr>>,
    /// Errors of names are caught here.
    pub caught: usize,
    /// What is called next stands behind `call`.
    pub calling: bool,
    pub depth: usize,
    /// How many queries are around what is read.
    pub queries: usize,
    /// What is read now is a text that is made when it runs.
    pub dynamic: Option<crate::plpgsql::Dynamic>,
    /// The text is the query of a view.
    pub view: bool,
    /// What is read now is what a `merge` returns.
    pub merged: bool,
    /// Names in a language that has variables of its own.
    pub procedural: bool,
    /// What a name means there that is a column, too.
    pub conflict: Conflict,
    /// Targets of `on conflict` that the parser does not read, those to come first.
    pub conflicts: std::collections::VecDeque<(usize, usize)>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(env: &'a dyn Environment, text: &'a str) -> Self {
        Self {
            env,
            text,
            path: env.path().to_vec(),
            fixed_path: false,
            own_path: false,
            out: Analysis::default(),
            levels: Vec::new(),
            with: Vec::new(),
            frames: Vec::new(),
            numbered: Vec::new(),
            all_numbered: false,
            records: Vec::new(),
            made: Vec::new(),
            made_temporary: Vec::new(),
            temporary: Vec::new(),
            transitions: Vec::new(),
            unreadable: None,
            broken: false,
            open_tables: false,
            strings: None,
            caught: 0,
            calling: false,
            depth: 0,
            queries: 0,
            dynamic: None,
            view: false,
            merged: false,
            procedural: false,
            conflict: Conflict::Error,
            conflicts: Default::default(),
        }
    }

    pub(crate) fn finish(mut self) -> Analysis {
        for record in std::mem::take(&mut self.records) {
            if record.open || record.fields.is_empty() {
                continue;
            }
            for (start, end, name) in record.uses {
                if !record.fields.contains(&name) {
                    let help = specc_diag::nearest(&name, record.fields.iter().map(SmolStr::as_str));
                    let help = help.map(|near| format!("did you mean `{near}`?"));
                    let message = format!("nothing that is put into this record has a column `{name}`");
                    self.report((start, end), Problem::UnknownColumn, message, help);
                }
            }
        }
        self.out.finish()
    }

    pub(crate) fn deep(&mut self) -> bool {
        if self.depth > DEEP {
            self.out.unread = true;
        }
        self.depth > DEEP
    }

    /// A row of a relation, for an expression or a trigger.
    pub(crate) fn row(&mut self, row: &Row) -> Source {
        let own_name = row.name.is_empty();
        let name = if own_name { row.relation.name.clone() } else { row.name.clone() };
        let found = self.env.relation(&row.relation.schema, &row.relation.name).found();
        let columns = found.as_ref().map(|r| seen(&r.name, &r.columns)).unwrap_or_default();
        Source {
            name,
            schema: own_name.then(|| row.relation.schema.clone()),
            relation: Some(row.relation.clone()),
            own_name,
            columns,
            complete: found.is_some_and(|r| r.complete),
            named_only: row.named_only,
            row: None,
            stars: Stars::default(),
        }
    }

    /// Reads a part of the text as a query or another statement that gives rows.
    pub(crate) fn read_query(&mut self, start: usize, end: usize) -> Output {
        let text = &self.text[start..end];
        match specc_expr::read_query(text, all_of(text)) {
            Ok(query) => {
                let part = Part::new(text, start, 0);
                crate::query::query(self, &part, &query)
            }
            Err(found) => {
                self.unreadable = Some(Unreadable::new(found, start, 0));
                self.words(start, end);
                Output::open()
            }
        }
    }

    /// Reads a part of the text as an expression: what may stand after `select`.
    pub(crate) fn read_expression(&mut self, start: usize, end: usize) -> Output {
        const BEFORE: &str = "select ";
        let text = format!("{BEFORE}{}", &self.text[start..end]);
        match specc_expr::read_query(&text, all_of(&text)) {
            Ok(query) => {
                let part = Part::new(&text, start, BEFORE.len());
                crate::query::query(self, &part, &query)
            }
            Err(found) => {
                self.unreadable = Some(Unreadable::new(found, start, BEFORE.len()));
                self.words(start, end);
                Output::open()
            }
        }
    }

    /// Takes every word of a part that cannot be read for a name.
    pub(crate) fn words(&mut self, start: usize, end: usize) {
        self.out.unread = true;
        let text = self.text;
        let tokens: Vec<_> = Lexer::new(&text[start..end]).map_while(Result::ok).collect();
        let name = |at: usize| {
            let token = tokens.get(at)?;
            token.name(&text[start..end]).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()))
        };
        let dot = |at: usize| tokens.get(at).is_some_and(|t| t.kind == TokenKind::Symbol(b'.'));
        let mut relations: Vec<Qualified> = Vec::new();
        let rows = self.levels.iter().flat_map(|level| &level.sources);
        relations.extend(rows.filter_map(|source| source.relation.clone()));
        for at in 0..tokens.len() {
            let Some(first) = name(at) else { continue };
            let place = |last: usize| (start + tokens[at].start, start + tokens[last].end);
            let called = |next: usize| tokens.get(next).is_some_and(|t| t.kind == TokenKind::Symbol(b'('));
            let (schema, word, last) = match (dot(at + 1), name(at + 2)) {
                (true, Some(second)) => (Some(first), second, at + 2),
                _ if at > 0 && dot(at - 1) => continue,
                _ => (None, first, at),
            };
            let schemas = schema.map_or_else(|| self.path.clone(), |s| vec![s.into()]);
            for schema in &schemas {
                if let Lookup::Found(found) = self.env.relation(schema, &word) {
                    self.refer(place(last), Target::Relation(found.name.clone()));
                    relations.push(found.name);
                } else if called(last + 1) {
                    for routine in self.env.functions(schema, &word).found().unwrap_or_default() {
                        self.refer(place(last), Target::Function(routine.name, routine.signature));
                    }
                } else if let Lookup::Found(ty) = self.env.data_type(schema, &word)
                    && !ty.schema.is_empty()
                {
                    self.refer(place(last), Target::Type(Qualified::new(ty.schema, ty.name)));
                }
            }
        }
        relations.sort();
        relations.dedup();
        for relation in relations {
            let Some(found) = self.env.relation(&relation.schema, &relation.name).found() else { continue };
            for (at, token) in tokens.iter().enumerate() {
                let Some(word) = name(at) else { continue };
                if found.columns.iter().any(|column| column.name == word) {
                    let target = Target::Column(relation.clone(), word.into());
                    self.refer((start + token.start, start + token.end), target);
                }
            }
        }
    }

    /// Whether the text itself may make something of this name, or asks whether it is there.
    pub(crate) fn may_be_made(&mut self, name: &str) -> bool {
        if self.caught > 0 || self.made.iter().any(|made| made == name) {
            return true;
        }
        let text = self.text;
        let strings = self.strings.get_or_insert_with(|| {
            let mut tokens: Vec<_> = Lexer::new(text).map_while(Result::ok).collect();
            // The text of a block that is run at once is read, and makes nothing but by its own strings.
            let is_block = |at: usize| {
                at > 0 && tokens[at - 1].is(text, "do")
                    || at > 2 && tokens[at - 2].is(text, "language") && tokens[at - 3].is(text, "do")
            };
            let blocks: Vec<usize> =
                (0..tokens.len()).filter(|at| tokens[*at].kind == TokenKind::Text && is_block(*at)).collect();
            for at in blocks.into_iter().rev() {
                if let Some((from, to)) = crate::plpgsql::constant(text, &tokens[at]) {
                    let inner = Lexer::new(&text[from..to]).map_while(Result::ok);
                    let inner: Vec<_> = inner
                        .map(|token| specc_split::Token { start: token.start + from, end: token.end + from, ..token })
                        .collect();
                    tokens.splice(at..=at, inner);
                }
            }
            // What `execute` reads as a statement of rows makes nothing.
            let is_read = |at: usize| {
                let is = |before: usize, word: &str| at >= before && tokens[at - before].is(text, word);
                let format = is(2, "format") && is(3, "execute");
                let made =
                    (format || is(1, "execute")).then(|| crate::plpgsql::made(text, &tokens[at], format)).flatten();
                made.is_some_and(|made| specc_facts::is_about_rows(made.text.trim_start()))
            };
            let others = tokens.iter().enumerate().filter(|(at, t)| t.kind == TokenKind::Text && !is_read(*at));
            let words = others.flat_map(|(_, t)| {
                let inner = text[t.start..t.end].trim_start_matches(['e', 'E', '$', '\'']);
                inner.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).map(SmolStr::new)
            });
            words.collect()
        });
        strings.iter().any(|word| word.eq_ignore_ascii_case(name))
    }

    pub(crate) fn refer(&mut self, (start, end): (usize, usize), target: Target) {
        let is_label = matches!(target, Target::Label(..));
        if self.dynamic.as_ref().is_some_and(|dynamic| !dynamic.is_named((start, end), is_label)) {
            return;
        }
        self.out.references.push(Reference { start, end, target });
    }

    /// Columns that were named since there were so many references are given values.
    pub(crate) fn writes_since(&mut self, before: usize) {
        let new = self.out.references[before..].iter().map(|reference| reference.target.clone());
        let columns: Vec<Target> = new.filter(|target| matches!(target, Target::Column(..))).collect();
        self.out.written.extend(columns);
    }

    /// A column of a query is called after what was named since there were so many references; `alone`: it has no other.
    pub(crate) fn carries_since(&mut self, before: usize, called: &str, alone: bool) {
        let reads_none = self.levels.last().is_some_and(|level| level.sources.is_empty());
        for reference in &self.out.references[before..] {
            let target = match &reference.target {
                Target::Column(_, name) if name == called => reference.target.clone(),
                Target::Function(name, _) | Target::Type(name) if name.name == called => reference.target.clone(),
                // The row of a table that goes by its own name.
                Target::Columns(name) if name.name == called => Target::Relation(name.clone()),
                _ => continue,
            };
            let place = match target {
                _ if self.queries <= 1 => Carried::Outermost,
                Target::Function(..) if alone && reads_none => Carried::Call,
                _ => Carried::Inner,
            };
            self.out.carried.push((target, place));
        }
    }

    pub(crate) fn refer_at(&mut self, place: Option<(usize, usize)>, target: Target) {
        if let Some(place) = place {
            self.refer(place, target);
        }
    }

    pub(crate) fn report(
        &mut self,
        (start, end): (usize, usize),
        problem: Problem,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if self.dynamic.as_ref().is_some_and(|dynamic| !dynamic.is_told(self.text, (start, end), problem)) {
            return;
        }
        self.out.findings.push(Finding { start, end, problem, message: message.into(), help });
    }

    pub(crate) fn report_at(
        &mut self,
        part: &Part<'_>,
        area: tokenizer::Span,
        problem: Problem,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if let Some(place) = part.place(area) {
            self.report(place, problem, message, help);
        }
    }

    /// Reads a part that is one literal as a value of this type.
    pub(crate) fn literal_in_text(&mut self, start: usize, end: usize, ty: &specc_catalog::DataType) {
        let text = &self.text[start..end];
        if text.starts_with('\'')
            && let Ok(expr) = specc_expr::parse_expr(text, nowhere())
        {
            let part = Part::new(text, start, 0);
            self.wanted(&part, &expr, &Some(ty.clone()));
        }
    }

    /// The variable that a name without a dot may mean although it is a column, too.
    pub(crate) fn conflicting(&self, name: &str) -> Option<&Shape> {
        (self.procedural && self.conflict != Conflict::Column).then(|| self.variable(name)).flatten()
    }

    /// The parameters of the cursor of this name, where it is declared with its query.
    pub(crate) fn cursor(&self, name: &str) -> Option<&[SmolStr]> {
        match self.variable(name) {
            Some(Shape::Cursor(params, _)) => Some(params),
            _ => None,
        }
    }

    /// What the query of this cursor gives; open where the cursor is declared without one.
    pub(crate) fn rows_of_cursor(&self, name: &str) -> Output {
        match self.variable(name) {
            Some(Shape::Cursor(_, output)) => output.clone(),
            _ => Output::open(),
        }
    }

    /// The variable of this name, from the innermost.
    pub(crate) fn variable(&self, name: &str) -> Option<&Shape> {
        let frames = self.frames.iter().rev();
        frames.flat_map(|frame| &frame.variables).find(|(n, _)| n == name).map(|(_, shape)| shape)
    }
}

/// A place for a text that is read by itself: its bytes are those of the text.
pub(crate) fn all_of(text: &str) -> Span {
    Span::new(FileId(0), 0, text.len())
}

pub(crate) fn nowhere() -> Span {
    Span::new(FileId(0), 0, 0)
}

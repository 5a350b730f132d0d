//! Declarations of PL/pgSQL.

use super::reader::Reader;
use crate::scope::{Frame, Record, Shape, is_record};
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};
use specc_split::TokenKind;

impl Reader<'_, '_> {
    /// Everything between `declare` and `begin`.
    pub(super) fn declarations(&mut self) -> Option<()> {
        while !self.is("begin") {
            if self.take("declare") {
                continue;
            }
            if self.at >= self.tokens.len() {
                let help = "a body of plpgsql is `declare … begin … end`";
                return self.broken(self.at, "`begin` is missing behind the declarations", help);
            }
            self.declaration()?;
        }
        Some(())
    }

    fn declaration(&mut self) -> Option<()> {
        let Some(name) = self.name() else {
            let message = format!("no declaration begins with `{}`", self.shown(self.at));
            return self.broken(self.at, message, "write `name type;` or `name type := value;`");
        };
        let (name, place) = (SmolStr::from(name), self.at);
        if self.walk.frames.last().is_some_and(|frame| frame.variables.iter().any(|(other, _)| *other == name)) {
            let message = format!("variable `{name}` is declared twice in this block");
            self.refused(place, Problem::Twice, message, "rename or remove one of the two");
        }
        self.at += 1;
        if self.take("alias") {
            self.take("for");
            let (names, end) = self.names();
            let shape = match &names[..] {
                [old] => self.walk.variable(old).cloned().unwrap_or(Shape::Open),
                _ => Shape::Open,
            };
            self.at = end;
            self.declare(name, shape);
            return self.semicolon();
        }
        let constant = self.take("constant");
        self.take("no");
        self.take("scroll");
        if self.take("cursor") {
            return self.cursor(name);
        }
        let end = self.type_end();
        let shape = self.declared_type(end);
        self.at = end;
        if self.take("collate") {
            self.at = self.names().1;
        }
        let needs_value = self.take("not") && self.take("null");
        let assigned = self.take("default")
            || self.symbol(b':') && self.symbol_at(self.at + 1, b'=') && {
                self.at += 2;
                true
            }
            || self.take_symbol(b'=');
        if assigned {
            let value = self.assigned(&shape);
            self.walk.out.held.push((name.clone(), value));
        } else if needs_value {
            let message = format!("variable `{name}` is `not null` and has no first value");
            self.refused(place, Problem::Syntax, message, "write `:= …` behind it");
        }
        if let Some(frame) = self.walk.frames.last_mut().filter(|_| constant) {
            frame.constants.push(name.clone());
        }
        self.declare(name, shape);
        self.semicolon()
    }

    /// An expression up to the semicolon, as a value for a variable: where it stands.
    pub(super) fn assigned(&mut self, shape: &Shape) -> (usize, usize) {
        let end = self.until(&[]);
        let (start, stop) = self.bytes(self.at, end);
        if let Shape::Type(Some(ty)) = shape {
            self.walk.literal_in_text(start, stop, ty);
        }
        let output = self.expression_to(end);
        self.at = end;
        if let ([(_, given)], true, Some(wanted)) = (&output.columns[..], output.complete, self.type_of_shape(shape)) {
            self.walk.put_into((start, stop), given, &Some(wanted));
        }
        // `row(…)`, which has no type of its own.
        if let ([(name, given)], Some(wanted)) = (&output.columns[..], self.type_of_shape(shape))
            && name == "row"
            && (given.is_none() || is_record(given))
            && wanted.dims == 0
        {
            self.walk.out.by_order.push(((start, stop), Qualified::new(wanted.schema, wanted.name)));
        }
        (start, stop)
    }

    /// The type of what a variable holds, where it has one.
    pub(super) fn type_of_shape(&self, shape: &Shape) -> Option<DataType> {
        match shape {
            Shape::Type(ty) => ty.clone(),
            Shape::Rows(rows) => match &rows[..] {
                [row] => Some(crate::find::row_type(row)),
                _ => None,
            },
            Shape::Record(_) | Shape::Cursor(..) | Shape::Open => None,
        }
    }

    pub(super) fn declare(&mut self, name: SmolStr, shape: Shape) {
        if let Some(frame) = self.walk.frames.last_mut() {
            frame.variables.push((name, shape));
        }
    }

    /// `cursor (a int) for select …`
    fn cursor(&mut self, name: SmolStr) -> Option<()> {
        let mut frame = Frame::default();
        if self.take_symbol(b'(') {
            while !self.symbol(b')') {
                let parameter: SmolStr = self.name()?.into();
                self.at += 1;
                let start = self.at;
                let mut depth = 0usize;
                while let Some(token) = self.tokens.get(self.at) {
                    match token.kind {
                        TokenKind::Symbol(b'(') => depth += 1,
                        TokenKind::Symbol(b')' | b',') if depth == 0 => break,
                        TokenKind::Symbol(b')') => depth -= 1,
                        _ => {}
                    }
                    self.at += 1;
                }
                let end = self.at;
                self.at = start;
                let shape = self.declared_type(end);
                self.at = end;
                frame.variables.push((parameter, shape));
                self.take_symbol(b',');
            }
            self.take_symbol(b')');
        }
        if !self.take("for") {
            self.take("is");
        }
        let end = self.until(&[]);
        let (start, stop) = self.bytes(self.at, end);
        let params: Vec<SmolStr> = frame.variables.iter().map(|(name, _)| name.clone()).collect();
        self.walk.frames.push(frame);
        let output = self.walk.read_query(start, stop);
        self.walk.frames.pop();
        if let Some(problem) = self.walk.unreadable.take() {
            self.unreadable(self.at, end, problem);
        }
        self.declare(name, Shape::Cursor(params, output));
        self.semicolon()
    }

    /// Where a type ends that begins here.
    fn type_end(&self) -> usize {
        let mut at = self.at;
        let mut depth = 0usize;
        while let Some(token) = self.tokens.get(at) {
            match token.kind {
                TokenKind::Symbol(b'(' | b'[') => depth += 1,
                TokenKind::Symbol(b')' | b']') => depth = depth.saturating_sub(1),
                TokenKind::Symbol(b';' | b':' | b'=') if depth == 0 => return at,
                TokenKind::Word
                    if depth == 0 && ["collate", "not", "default"].iter().any(|w| token.is(self.text, w)) =>
                {
                    return at;
                }
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// The type from here to `end`.
    fn declared_type(&mut self, end: usize) -> Shape {
        let before = self.walk.out.references.len();
        let shape = self.type_to(end);
        let named = self.walk.out.references[before..].iter().map(|reference| reference.target.clone());
        let named: Vec<Target> = named.collect();
        self.walk.out.declared.extend(named);
        shape
    }

    fn type_to(&mut self, end: usize) -> Shape {
        let (names, after) = self.names();
        let place = self.bytes(self.at, after.min(end));
        let names: Vec<SmolStr> = names.into_iter().map(SmolStr::from).collect();
        if self.symbol_at(after, b'%') {
            return if self.is_at(after + 1, "rowtype") { self.row_of(&names, place) } else { self.type_of(&names) };
        }
        // What follows the name: `varying`, `precision`, `[]`.
        let rest = self.bytes(after, end);
        let rest = if after < end { self.text[rest.0..rest.1].to_lowercase() } else { String::new() };
        let array = rest.contains('[') || rest.contains("array");
        let words: String = rest.chars().filter(|c| c.is_ascii_alphabetic() || c.is_whitespace()).collect();
        let words = words.split_whitespace().filter(|word| *word != "array").collect::<Vec<_>>().join(" ");
        let ty = match &names[..] {
            [name] if name == "record" => {
                self.walk.records.push(Record::default());
                return Shape::Record(self.walk.records.len() - 1);
            }
            [name] if name == "refcursor" => return Shape::Open,
            [name] if !words.is_empty() => self.walk.env.data_type("pg_catalog", &format!("{name} {words}")).found(),
            [name] => self.walk.type_named(place, None, name),
            [schema, name] => self.walk.type_named(place, Some(schema), name),
            _ => None,
        };
        match ty {
            Some(ty) if array => Shape::Type(Some(DataType { dims: 1, ..ty })),
            Some(ty) => Shape::Type(Some(ty)),
            None => Shape::Open,
        }
    }

    /// `events%rowtype`
    fn row_of(&mut self, names: &[SmolStr], place: (usize, usize)) -> Shape {
        let found = match names {
            [name] => self.walk.relation_named(place, None, name),
            [schema, name] => self.walk.relation_named(place, Some(schema), name),
            _ => None,
        };
        found.map_or(Shape::Open, |found| Shape::Rows(vec![found.name]))
    }

    /// `events.title%type`, or `variable%type`.
    fn type_of(&mut self, names: &[SmolStr]) -> Shape {
        let (schema, table, column) = match names {
            [name] => return self.walk.variable(name).cloned().unwrap_or(Shape::Open),
            [table, column] => (None, table, column),
            [schema, table, column] => (Some(schema.as_str()), table, column),
            _ => return Shape::Open,
        };
        if schema.is_none() && self.walk.variable(table).is_some() {
            return Shape::Open;
        }
        let last = self.at + 2 * names.len() - 2;
        let place = self.bytes(self.at, last - 1);
        let Some(relation) = self.walk.relation_named(place, schema, table) else { return Shape::Open };
        let at = self.bytes(last, last + 1);
        match relation.columns.iter().find(|c| c.name == *column) {
            Some(found) => {
                self.walk.refer(at, Target::Column(relation.name, found.name.clone()));
                found.ty.clone().map_or(Shape::Open, |ty| Shape::Type(Some(ty)))
            }
            None => {
                if relation.complete {
                    let names = relation.columns.iter().map(|c| c.name.clone()).collect();
                    self.walk.unknown_column(at, column, &relation.name.name, names);
                }
                Shape::Open
            }
        }
    }

    /// Variables that something is put into; says where one is none.
    pub(super) fn targets(&mut self) -> Vec<Shape> {
        let mut targets = Vec::new();
        let mut row = None;
        loop {
            let (names, end) = self.names();
            if names.is_empty() {
                return targets;
            }
            let names: Vec<SmolStr> = names.into_iter().map(SmolStr::from).collect();
            let place = self.bytes(self.at, end);
            let last = self.bytes(end - 1, end);
            targets.push(self.target(&names, place, last));
            self.at = end;
            while self.symbol(b'[') {
                let mut depth = 0usize;
                let start = self.at + 1;
                while let Some(token) = self.tokens.get(self.at) {
                    match token.kind {
                        TokenKind::Symbol(b'[') => depth += 1,
                        TokenKind::Symbol(b']') => depth -= 1,
                        _ => {}
                    }
                    self.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                let (from, to) = self.bytes(start, self.at - 1);
                if from < to {
                    self.walk.read_expression(from, to);
                }
                targets.pop();
                targets.push(Shape::Open);
            }
            let is_alone = names.len() == 1 && end == self.at;
            if is_alone && targets.last().is_some_and(|shape| self.holds_row(shape)) {
                row.get_or_insert((place, names[0].clone()));
            }
            if !self.take_symbol(b',') {
                if let Some((place, name)) = row.filter(|_| targets.len() > 1) {
                    let message = format!("`{name}` holds a row, and stands among several variables");
                    let help =
                        format!("put the whole row into `{name}` alone, or write each of its fields: `{name}.field`");
                    self.walk.report(place, Problem::NotHere, message, Some(help));
                }
                return targets;
            }
        }
    }

    /// Whether a variable has fields.
    fn holds_row(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Record(_) | Shape::Rows(_) => true,
            Shape::Type(Some(ty)) => self.walk.is_row_type(ty),
            Shape::Type(None) | Shape::Cursor(..) | Shape::Open => false,
        }
    }

    fn target(&mut self, names: &[SmolStr], place: (usize, usize), last: (usize, usize)) -> Shape {
        match names {
            [name] => match self.walk.variable(name) {
                Some(shape) => {
                    let shape = shape.clone();
                    let holds = |frame: &&Frame| frame.variables.iter().any(|(other, _)| other == name);
                    if self.walk.frames.iter().rev().find(holds).is_some_and(|frame| frame.constants.contains(name)) {
                        let message = format!("`{name}` is a constant, and keeps its first value");
                        let help = "remove `constant`, or put the value into another variable".to_owned();
                        self.walk.report(place, Problem::NotHere, message, Some(help));
                    }
                    shape
                }
                None => {
                    if !super::is_special(name) && !self.walk.may_be_made(name) {
                        let names: Vec<SmolStr> =
                            self.walk.frames.iter().flat_map(|f| &f.variables).map(|v| v.0.clone()).collect();
                        let near = specc_diag::nearest(name, names.iter().map(SmolStr::as_str));
                        let help = near.map(|near| format!("did you mean `{near}`?"));
                        let message = format!("no variable here is called `{name}`");
                        self.walk.report(place, Problem::UnknownVariable, message, help);
                    }
                    Shape::Open
                }
            },
            [_, .., field] => {
                // A field of a record that has a value: nothing new is put into the record as a whole.
                if let Some(Shape::Record(at)) = self.walk.variable(&names[0]).cloned() {
                    self.walk.records[at].fields.push(field.clone());
                }
                match self.walk.variable_named(names, last) {
                    Some(ty) => Shape::Type(ty),
                    None => Shape::Open,
                }
            }
            [] => Shape::Open,
        }
    }
}

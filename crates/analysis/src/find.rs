//! Names to what they refer to.

use crate::environment::{Lookup, Relation};
use crate::scope::{Conflict, Frame, Level, Seen, Shape, Source, Ty};
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};
use specc_expr::sqlparser::ast::{Ident, ObjectName};

/// What every table has besides its columns.
const SYSTEM_COLUMNS: &[&str] = &["tableoid", "xmin", "xmax", "cmin", "cmax", "ctid"];

/// The identifiers of a name; `None` where it has other parts.
pub(crate) fn idents(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0.iter().map(|part| part.as_ident()).collect()
}

/// The place of a name of several identifiers.
pub(crate) fn place(part: &Part<'_>, idents: &[&Ident]) -> Option<(usize, usize)> {
    let (start, _) = part.place(idents.first()?.span)?;
    let (_, end) = part.place(idents.last()?.span)?;
    Some((start, end))
}

impl Walk<'_> {
    /// Looks for what has a name in the schemas of the path; `look` asks the environment.
    pub(crate) fn on_path<T>(&self, schema: Option<&str>, look: impl Fn(&str) -> Lookup<T>) -> Lookup<T> {
        if let Some(schema) = schema {
            return look(schema);
        }
        let mut unknown = false;
        for schema in &self.path {
            match look(schema) {
                Lookup::Found(found) => return Lookup::Found(found),
                Lookup::Unknown => unknown = true,
                Lookup::Missing => {}
            }
        }
        if unknown { Lookup::Unknown } else { Lookup::Missing }
    }

    /// Says where a name begins with a schema that is not there; what is in it is not looked for.
    pub(crate) fn no_schema(&mut self, place: (usize, usize), schema: Option<&str>) -> bool {
        let Some(schema) = schema else { return false };
        if self.env.schema(schema) != Lookup::Missing || self.may_be_made(schema) {
            return false;
        }
        self.missing_schema(place, schema);
        true
    }

    /// The same of a name in a string: what strings of the text name is not made by that.
    pub(crate) fn no_schema_in_string(&mut self, place: (usize, usize), schema: Option<&str>) -> bool {
        let Some(schema) = schema else { return false };
        let made = self.caught > 0 || self.made.iter().any(|made| made == schema);
        if self.env.schema(schema) != Lookup::Missing || made {
            return false;
        }
        self.missing_schema(place, schema);
        true
    }

    fn missing_schema(&mut self, place: (usize, usize), schema: &str) {
        let first = specc_split::Lexer::new(&self.text[place.0..place.1]).next().and_then(Result::ok);
        let end = first.map_or(place.1, |token| place.0 + token.end);
        let help = self.env.instead_of_schema(schema);
        self.report((place.0, end), Problem::UnknownSchema, format!("there is no schema `{schema}`"), help);
    }

    /// The relation that a name refers to; says so where there is none.
    pub(crate) fn relation(&mut self, part: &Part<'_>, name: &ObjectName) -> Option<Relation> {
        let idents = idents(name)?;
        let place = place(part, &idents)?;
        let names: Vec<SmolStr> = idents.iter().map(|ident| folded(ident)).collect();
        let (schema, name) = match &names[..] {
            [name] => (None, name),
            [schema, name] => (Some(schema), name),
            _ => return None,
        };
        self.relation_named(place, schema.map(SmolStr::as_str), name)
    }

    pub(crate) fn relation_named(
        &mut self,
        place: (usize, usize),
        schema: Option<&str>,
        name: &str,
    ) -> Option<Relation> {
        if self.is_temporary(schema, name) || self.no_schema(place, schema) {
            return None;
        }
        let found = match (schema, name.starts_with("pg_")) {
            (None, true) => Lookup::Unknown,
            _ => self.on_path(schema, |schema| self.env.relation(schema, name)),
        };
        match found {
            Lookup::Found(found) => {
                self.refer(place, Target::Relation(found.name.clone()));
                Some(found)
            }
            Lookup::Unknown => None,
            Lookup::Missing => {
                self.missing_relation(place, schema, name);
                None
            }
        }
    }

    fn missing_relation(&mut self, place: (usize, usize), schema: Option<&str>, name: &str) {
        if self.may_be_made(name) || (self.open_tables && schema.is_none()) {
            return;
        }
        let elsewhere = self.env.elsewhere(name);
        if schema.is_none() && !elsewhere.is_empty() && !self.fixed_path {
            return;
        }
        let written = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let (message, help) = match elsewhere.first() {
            Some(other) if schema.is_none() => {
                (format!("`{name}` is not found with this `search_path`"), Some(format!("write `{other}.{name}`")))
            }
            Some(other) => (format!("there is no table or view `{written}`"), Some(format!("write `{other}.{name}`"))),
            None => {
                let near = self.env.similar(name, false).map(|near| format!("did you mean `{near}`?"));
                (format!("there is no table or view `{written}`"), near)
            }
        };
        self.report(place, Problem::UnknownRelation, message, help);
    }

    /// The type of a name where a value stands.
    pub(crate) fn name(&mut self, part: &Part<'_>, idents: &[&Ident]) -> Ty {
        let names: Vec<SmolStr> = idents.iter().map(|ident| folded(ident)).collect();
        let whole = place(part, idents)?;
        let last = |at: usize| part.place(idents[at].span).unwrap_or(whole);
        match &names[..] {
            [name] => self.bare(whole, name),
            [first, rest @ ..] => {
                if let Some((level, source, used)) = self.source_of(&names) {
                    let source = self.levels[level].sources[source].clone();
                    if !source.named_only && self.is_of_variable(&names) {
                        let is_column = names.get(used).is_none_or(|column| source.column(column).is_some());
                        match self.conflict {
                            Conflict::Error if is_column => self.alias_of_variable(whole, &names.join(".")),
                            Conflict::Error if !source.complete => {}
                            _ => return self.of_variable(&names, &|at| last(at)).flatten(),
                        }
                    }
                    self.refer_to_source(&source, place(part, &idents[..used]));
                    return match &rest[used - 1..] {
                        [] => self.whole_row(&source, whole),
                        [column] => self.column_of(&source, last(used), column),
                        // A field of a composite needs parentheses before it.
                        _ => None,
                    };
                }
                if let Some(ty) = self.of_variable(&names, &|at| last(at)) {
                    if let ([label, name], Some(frame)) = (&names[..], self.frames.first())
                        && frame.label == *label
                    {
                        self.out.parameters.push((whole.0, whole.1, name.clone()));
                    }
                    return ty;
                }
                self.unknown_row(last(0), first, names.len());
                None
            }
            [] => None,
        }
    }

    /// A name without a dot.
    fn bare(&mut self, place: (usize, usize), name: &str) -> Ty {
        for at in (0..self.levels.len()).rev() {
            let level = &self.levels[at];
            if let Some(found) = in_level(level, name) {
                let found = found.clone();
                if let Some(shape) = self.conflicting(name).cloned() {
                    if self.conflict == Conflict::Variable {
                        return value_of(&shape);
                    }
                    self.two_meanings(at, place, name);
                }
                if self.is_ambiguous(at, name) {
                    let names = self.levels[at].sources.iter().filter(|s| s.column(name).is_some());
                    let ways: Vec<String> = names.map(|s| format!("`{}.{name}`", s.name)).collect();
                    let help = format!("write {}", ways.join(" or "));
                    let message = format!("`{name}` could be a column of several tables here");
                    self.report(place, Problem::Ambiguous, message, Some(help));
                }
                if let Some((relation, column)) = found.of {
                    self.refer(place, Target::Column(relation, column));
                }
                return found.ty;
            }
            let tables = level.sources.iter().filter(|s| !s.named_only);
            if SYSTEM_COLUMNS.contains(&name) && tables.clone().next().is_some() {
                return None;
            }
            if tables.clone().any(|s| !s.complete) {
                return self.unsure(at, place, name);
            }
        }
        let mut rows = self.levels.iter().rev().flat_map(|level| &level.sources);
        let row = rows.find(|source| source.name == name).cloned();
        if let Some(shape) = self.variable(name).cloned() {
            let is_row = row.as_ref().is_some_and(|row| !row.named_only);
            if !is_row || self.procedural && self.conflict == Conflict::Variable {
                self.out.parameters.push((place.0, place.1, name.into()));
                return value_of(&shape);
            }
            if self.conflicting(name).is_some() {
                self.alias_of_variable(place, name);
            }
        }
        if let Some(source) = row {
            self.refer_to_source(&source, Some(place));
            return self.whole_row(&source, place);
        }
        if crate::plpgsql::is_special(name) && self.procedural {
            return None;
        }
        // A function of the grammar that is called by its word alone: `current_schema`.
        if let Some(value) = specc_facts::grammar(name).and_then(|grammar| grammar.value) {
            return crate::query::plain(value);
        }
        self.unknown_name(place, name);
        None
    }

    /// Whether PL/pgSQL takes a name with dots for a variable with a label before it, or for a field of a variable (`*` is all
    /// of them): it does so whether or not the variable has such a field. What is no row has none, and hides no row.
    pub(crate) fn is_of_variable(&self, names: &[SmolStr]) -> bool {
        let [first, second, rest @ ..] = names else { return false };
        if !self.procedural || self.conflict == Conflict::Column {
            return false;
        }
        for frame in self.frames.iter().rev() {
            let variable = |name: &SmolStr| frame.variables.iter().find(|(own, _)| own == name).map(|(_, shape)| shape);
            match variable(first) {
                Some(Shape::Open | Shape::Type(None)) => return false,
                Some(shape) if self.is_row(shape) => return true,
                _ => {}
            }
            if frame.label == *first
                && let Some(shape) = variable(second)
            {
                return rest.is_empty() || self.is_row(shape);
            }
        }
        false
    }

    fn is_row(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Record(_) | Shape::Rows(_) => true,
            Shape::Type(Some(ty)) => ty.dims == 0 && self.env.fields(&ty.schema, &ty.name).is_some(),
            Shape::Type(None) | Shape::Cursor(..) | Shape::Open => false,
        }
    }

    /// A name that reaches a row of the query and a variable, which Postgres refuses where it runs.
    pub(crate) fn alias_of_variable(&mut self, place: (usize, usize), written: &str) {
        let message = format!("`{written}` means a variable and a row of this query");
        let help = "give the table another alias in the query, or the variable another name".to_owned();
        self.report(place, Problem::Ambiguous, message, Some(help));
    }

    /// A name that is a column here and a variable around it, which Postgres refuses where it runs.
    fn two_meanings(&mut self, level: usize, place: (usize, usize), name: &str) {
        let source = self.levels[level].sources.iter().find(|s| !s.named_only && s.column(name).is_some());
        let row = source.map(|source| source.name.clone()).unwrap_or_default();
        let holds = |frame: &&Frame| frame.variables.iter().any(|(own, _)| own == name);
        let label = self.frames.iter().rev().find(holds).map(|frame| frame.label.clone()).unwrap_or_default();
        let column = if row.is_empty() { String::new() } else { format!("`{row}.{name}` for the column, ") };
        let help = match &*label {
            "" => format!("write {column}or give the variable another name"),
            label => format!("write {column}or `{label}.{name}` for the variable"),
        };
        let message = format!("`{name}` is a variable and a column here");
        self.report(place, Problem::Ambiguous, message, Some(help));
    }

    /// A name that may be a column of something that is not known; of the only such table it is one.
    fn unsure(&mut self, at: usize, place: (usize, usize), name: &str) -> Ty {
        if let Some(shape) = self.variable(name) {
            return match shape {
                Shape::Type(ty) => ty.clone(),
                _ => None,
            };
        }
        let mut open = self.levels[at].sources.iter().filter(|s| !s.named_only && !s.complete);
        if let (Some(Source { relation: Some(relation), .. }), None) = (open.next(), open.next()) {
            let target = Target::Column(relation.clone(), name.into());
            self.refer(place, target);
        }
        None
    }

    fn is_ambiguous(&self, at: usize, name: &str) -> bool {
        let level = &self.levels[at];
        if level.natural || level.merged.iter().any(|merged| merged == name) {
            return false;
        }
        level.sources.iter().filter(|s| !s.named_only && s.column(name).is_some()).count() > 1
    }

    /// The row that the first parts of a name refer to: its level, its place there, and how many parts.
    pub(crate) fn source_of(&self, names: &[SmolStr]) -> Option<(usize, usize, usize)> {
        for (at, level) in self.levels.iter().enumerate().rev() {
            for (n, source) in level.sources.iter().enumerate() {
                if source.name == names[0] {
                    return Some((at, n, 1));
                }
                if let [schema, name, _, ..] = names
                    && source.own_name
                    && source.schema.as_ref() == Some(schema)
                    && source.name == *name
                {
                    return Some((at, n, 2));
                }
            }
        }
        None
    }

    /// The name of a row is the relation's own.
    pub(crate) fn refer_to_source(&mut self, source: &Source, place: Option<(usize, usize)>) {
        if let Some(relation) = source.relation.as_ref().filter(|_| source.own_name) {
            self.refer_at(place, Target::Relation(relation.clone()));
        }
    }

    pub(crate) fn whole_row(&mut self, source: &Source, place: (usize, usize)) -> Ty {
        if let Some(relation) = source.relation.clone() {
            self.refer(place, Target::Columns(relation.clone()));
            return Some(row_type(&relation));
        }
        for column in source.columns.iter().filter_map(|c| c.of.clone()) {
            self.refer(place, Target::Column(column.0, column.1));
        }
        source.row.clone()
    }

    pub(crate) fn column_of(&mut self, source: &Source, place: (usize, usize), name: &str) -> Ty {
        if let Some(found) = source.column(name) {
            if let Some((relation, column)) = &found.of {
                self.refer(place, Target::Column(relation.clone(), column.clone()));
            }
            return found.ty.clone();
        }
        let system = source.relation.is_some() && SYSTEM_COLUMNS.contains(&name);
        if let Some(relation) = source.relation.as_ref().filter(|_| !source.complete && !system) {
            self.refer(place, Target::Column(relation.clone(), name.into()));
        }
        if source.complete && !system && !self.is_field_call(name) {
            let names = source.columns.iter().map(|c| c.name.clone()).collect();
            let of = source.relation.as_ref().map_or(&source.name, |r| &r.name).clone();
            self.unknown_column(place, name, &of, names);
        }
        None
    }

    /// `row.function` is `function(row)`.
    fn is_field_call(&self, name: &str) -> bool {
        !matches!(self.on_path(None, |schema| self.env.functions(schema, name)), Lookup::Missing)
    }

    pub(crate) fn unknown_column(&mut self, place: (usize, usize), name: &str, of: &str, names: Vec<SmolStr>) {
        if self.may_be_made(name) {
            return;
        }
        let help = match specc_diag::nearest(name, names.iter().map(SmolStr::as_str)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None => columns_in_words(&names),
        };
        self.report(place, Problem::UnknownColumn, format!("`{of}` has no column `{name}`"), help);
    }

    fn unknown_name(&mut self, place: (usize, usize), name: &str) {
        if self.may_be_made(name) {
            return;
        }
        let mut names: Vec<SmolStr> = Vec::new();
        for source in self.levels.iter().flat_map(|level| &level.sources) {
            names.extend(source.columns.iter().map(|c| c.name.clone()));
        }
        names.extend(self.frames.iter().flat_map(|f| &f.variables).map(|(n, _)| n.clone()).filter(|n| !n.is_empty()));
        let tables: Vec<&str> =
            self.levels.iter().rev().flat_map(|l| &l.sources).filter(|s| !s.named_only).map(|s| &*s.name).collect();
        let message = match &tables[..] {
            [only] => format!("`{only}` has no column `{name}`, and nothing else here is called so"),
            [] if self.procedural => format!("no variable here is called `{name}`"),
            _ => format!("no column here is called `{name}`"),
        };
        names.sort();
        let elsewhere = crate::plpgsql::told_elsewhere(name).filter(|_| self.procedural);
        let near = specc_diag::nearest(name, names.iter().map(SmolStr::as_str));
        let help = match near {
            _ if elsewhere.is_some() => elsewhere.map(|place| format!("`{name}` {place}")),
            near => near.map(|near| format!("did you mean `{near}`?")),
        };
        let problem = if tables.is_empty() { Problem::UnknownVariable } else { Problem::UnknownColumn };
        self.report(place, problem, message, help);
    }

    fn unknown_row(&mut self, place: (usize, usize), name: &str, parts: usize) {
        // Three parts may begin with a schema, and then their table is not in `from` for sure only where all is known.
        let open = self.levels.iter().flat_map(|l| &l.sources).any(|s| s.name.is_empty());
        let column = self.levels.iter().flat_map(|l| &l.sources).any(|s| s.column(name).is_some());
        if open || parts > 2 || column || self.may_be_made(name) {
            return;
        }
        let mut names: Vec<SmolStr> = self.levels.iter().flat_map(|l| &l.sources).map(|s| s.name.clone()).collect();
        names.extend(self.frames.iter().flat_map(|f| &f.variables).map(|(n, _)| n.clone()).filter(|n| !n.is_empty()));
        names.sort();
        let near = specc_diag::nearest(name, names.iter().map(SmolStr::as_str));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("no table in this query is called `{name}`");
        self.report(place, Problem::UnknownRelation, message, help);
    }

    /// A variable with a field, a label or a function's name before it.
    fn of_variable(&mut self, names: &[SmolStr], place: &dyn Fn(usize) -> (usize, usize)) -> Option<Ty> {
        let [first, rest @ ..] = names else { return None };
        for at in (0..self.frames.len()).rev() {
            let frame = &self.frames[at];
            if let Some((_, shape)) = frame.variables.iter().find(|(name, _)| name == first) {
                let shape = shape.clone();
                return Some(self.field_of(&shape, first, place(1), &rest[0]).filter(|_| rest.len() == 1));
            }
            if frame.label == *first && !first.is_empty() {
                let shape = frame.variables.iter().find(|(name, _)| *name == rest[0]).map(|(_, shape)| shape.clone());
                return match (shape, rest) {
                    (Some(Shape::Type(ty)), [_]) => Some(ty),
                    (Some(shape), [name, field, ..]) => Some(self.field_of(&shape, name, place(2), field)),
                    _ => Some(None),
                };
            }
        }
        None
    }

    /// The type of a variable's field; `last` is the place of the field.
    pub(crate) fn variable_named(&mut self, names: &[SmolStr], last: (usize, usize)) -> Option<Ty> {
        self.of_variable(names, &|_| last)
    }

    fn field_of(&mut self, shape: &Shape, variable: &str, place: (usize, usize), field: &str) -> Ty {
        match shape {
            Shape::Type(Some(ty)) => self.field_of_type(ty, place, field),
            Shape::Rows(rows) => {
                let mut ty = None;
                let mut complete = true;
                let mut found = false;
                let mut names: Vec<SmolStr> = Vec::new();
                let mut lacking: Vec<SmolStr> = Vec::new();
                for row in rows {
                    let Some(relation) = self.env.relation(&row.schema, &row.name).found() else {
                        complete = false;
                        continue;
                    };
                    complete &= relation.complete;
                    if let Some(column) = relation.columns.iter().find(|column| column.name == field) {
                        found = true;
                        ty = column.ty.clone();
                        self.refer(place, Target::Column(relation.name.clone(), column.name.clone()));
                    } else if relation.complete {
                        lacking.push(relation.name.name.clone());
                    }
                    names.extend(relation.columns.into_iter().map(|column| column.name));
                }
                if complete && !found && !rows.is_empty() && !SYSTEM_COLUMNS.contains(&field) {
                    let of = if rows.len() == 1 { rows[0].name.clone() } else { variable.into() };
                    self.unknown_column(place, field, &of, names);
                } else if let (Some(table), true) = (lacking.first(), found && !self.tells_triggers_apart())
                    && !SYSTEM_COLUMNS.contains(&field)
                    && !self.may_be_made(field)
                {
                    let message = format!("`{table}` has no column `{field}`, and a trigger of it runs this, too");
                    let help = format!("ask first: `if tg_table_name = '…' then`, or give `{table}` another function");
                    self.report(place, Problem::UnknownColumn, message, Some(help));
                }
                ty.filter(|_| rows.len() == 1)
            }
            Shape::Record(at) => {
                self.records[*at].uses.push((place.0, place.1, field.into()));
                None
            }
            Shape::Type(None) | Shape::Cursor(..) | Shape::Open => None,
        }
    }

    /// Whether the text looks at what it is told of its trigger: it may do other things for another table.
    fn tells_triggers_apart(&self) -> bool {
        let text = self.text;
        let told = |token: specc_split::Token| token.name(text).is_some_and(|name| name.starts_with("tg_"));
        specc_split::Lexer::new(text).map_while(Result::ok).any(told)
    }

    /// The type of a field of a composite type or of a row.
    pub(crate) fn field_of_type(&mut self, ty: &DataType, place: (usize, usize), field: &str) -> Ty {
        if ty.dims > 0 {
            return None;
        }
        let fields = self.env.fields(&ty.schema, &ty.name)?;
        let of = Qualified::new(ty.schema.clone(), ty.name.clone());
        match fields.iter().find(|column| column.name == field) {
            Some(column) => {
                self.refer(place, Target::Column(of, column.name.clone()));
                column.ty.clone()
            }
            None => {
                let relation = self.env.relation(&ty.schema, &ty.name);
                let complete = relation.found().is_none_or(|relation| relation.complete);
                if complete && !SYSTEM_COLUMNS.contains(&field) && !self.is_field_call(field) {
                    self.unknown_column(place, field, &ty.name, fields.into_iter().map(|c| c.name).collect());
                }
                None
            }
        }
    }
}

/// The type of a variable.
fn value_of(shape: &Shape) -> Ty {
    match shape {
        Shape::Type(ty) => ty.clone(),
        Shape::Rows(rows) => match &rows[..] {
            [row] => Some(row_type(row)),
            _ => None,
        },
        Shape::Record(_) | Shape::Cursor(..) | Shape::Open => None,
    }
}

pub(crate) fn row_type(relation: &Qualified) -> DataType {
    DataType { schema: relation.schema.clone(), ..DataType::builtin(relation.name.clone()) }
}

fn in_level<'l>(level: &'l Level, name: &str) -> Option<&'l Seen> {
    level.sources.iter().filter(|s| !s.named_only).find_map(|source| source.column(name))
}

/// "it has `a`, `b`", for a table that is not wide.
fn columns_in_words(names: &[SmolStr]) -> Option<String> {
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > 8 { ", …" } else { "" };
    (!shown.is_empty()).then(|| format!("it has {}{more}", shown.join(", ")))
}

//! The text of a DBML file as a tree.

use crate::{ImportError, unreadable};
use pest::Parser;
use pest::iterators::Pair;
use smol_str::SmolStr;

#[derive(pest_derive::Parser)]
#[grammar = "../../grammar/dbml.pest"]
struct Grammar;

#[derive(Clone)]
pub enum Value {
    Text(String),
    /// Between backticks.
    Sql(String),
    Number(String),
    Words(String),
}

/// What stands in square brackets.
#[derive(Clone, Default)]
pub struct Settings {
    /// `pk`, `not null`, in lower case.
    pub flags: Vec<String>,
    /// `default: 1`, `note: 'why'`.
    pub said: Vec<(String, Value)>,
    /// `ref: > users.id`
    pub references: Vec<(Relation, Vec<SmolStr>)>,
}

impl Settings {
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    pub fn said(&self, name: &str) -> Option<&Value> {
        self.said.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub fn words(&self, name: &str) -> Option<&str> {
        match self.said(name) {
            Some(Value::Text(text) | Value::Words(text)) => Some(text),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `<`: the left one is referred to by many.
    OneToMany,
    /// `>`
    ManyToOne,
    /// `-`: the left one is referred to.
    OneToOne,
    /// `<>`
    ManyToMany,
}

#[derive(Clone)]
pub struct Column {
    pub name: SmolStr,
    pub ty: String,
    pub settings: Settings,
}

#[derive(Clone)]
pub enum Line {
    Column(Column),
    Partial(SmolStr),
    Index(Vec<Key>, Settings),
    Check(String, Settings),
    Note(String),
}

#[derive(Clone)]
pub enum Key {
    Column(SmolStr),
    Sql(String),
}

#[derive(Clone)]
pub struct Table {
    /// Schema and name, or the name alone.
    pub name: Vec<SmolStr>,
    pub alias: Option<SmolStr>,
    pub settings: Settings,
    pub lines: Vec<Line>,
    pub is_partial: bool,
    pub line: usize,
}

pub struct Reference {
    pub name: Option<SmolStr>,
    pub left: End,
    pub relation: Relation,
    pub right: End,
    pub settings: Settings,
    pub line: usize,
}

/// A table's name, and columns of it.
pub struct End {
    pub table: Vec<SmolStr>,
    pub columns: Vec<SmolStr>,
}

pub enum Element {
    Table(Table),
    Enumeration(Vec<SmolStr>, Vec<SmolStr>),
    Reference(Reference),
    /// Its first line, and whether a database would have it.
    Skipped(String, bool),
}

/// The elements in their order.
pub fn parse(text: &str) -> Result<Vec<Element>, ImportError> {
    // Braces of what is skipped may stand in each other.
    let mut depth = 0usize;
    for c in text.chars() {
        depth = if c == '{' {
            depth + 1
        } else if c == '}' {
            depth.saturating_sub(1)
        } else {
            depth
        };
        if depth > 64 {
            return Err(ImportError { line: 0, message: "braces stand deeper than 64 in each other".into() });
        }
    }
    let file = Grammar::parse(Rule::file, text).map_err(|error| unreadable(&error))?;
    let mut out = Vec::new();
    for element in
        file.flat_map(Pair::into_inner).filter(|pair| pair.as_rule() == Rule::element).flat_map(Pair::into_inner)
    {
        let line = element.line_col().0;
        match element.as_rule() {
            Rule::table | Rule::partial => out.push(Element::Table(table(element, line))),
            Rule::enumeration => {
                let (mut name, mut labels) = (Vec::new(), Vec::new());
                for part in element.into_inner() {
                    match part.as_rule() {
                        Rule::names => name = names(part),
                        _ => labels.extend(part.into_inner().find(|part| part.as_rule() == Rule::name).map(plain)),
                    }
                }
                out.push(Element::Enumeration(name, labels));
            }
            Rule::reference | Rule::reference_group => {
                let mut name = None;
                for part in element.into_inner() {
                    match part.as_rule() {
                        Rule::name => name = Some(plain(part)),
                        _ => out.extend(reference(name.clone(), part, line).map(Element::Reference)),
                    }
                }
            }
            rule => out.push(Element::Skipped(first_line(element.as_str()), rule == Rule::unread)),
        }
    }
    Ok(out)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('{').trim().into()
}

fn plain(pair: Pair<'_, Rule>) -> SmolStr {
    pair.as_str().trim().trim_matches('"').into()
}

fn names(pair: Pair<'_, Rule>) -> Vec<SmolStr> {
    pair.into_inner().map(plain).collect()
}

fn table(pair: Pair<'_, Rule>, line: usize) -> Table {
    let is_partial = pair.as_rule() == Rule::partial;
    let mut table =
        Table { name: Vec::new(), alias: None, settings: Settings::default(), lines: Vec::new(), is_partial, line };
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::names => table.name = names(part),
            Rule::name if is_partial => table.name = vec![plain(part)],
            Rule::name => table.alias = Some(plain(part)),
            Rule::settings => table.settings = settings(part),
            _ => part.into_inner().for_each(|part| lines(part, &mut table.lines)),
        }
    }
    table
}

fn lines(part: Pair<'_, Rule>, out: &mut Vec<Line>) {
    match part.as_rule() {
        Rule::column => {
            let mut column = Column { name: "".into(), ty: String::new(), settings: Settings::default() };
            for part in part.into_inner() {
                match part.as_rule() {
                    Rule::name => column.name = plain(part),
                    Rule::ty => column.ty = part.as_str().trim().into(),
                    _ => column.settings = settings(part),
                }
            }
            out.push(Line::Column(column));
        }
        Rule::name => out.push(Line::Partial(plain(part))),
        Rule::note => out.extend(part.into_inner().map(|text| Line::Note(unquoted(text.as_str())))),
        Rule::indexes => {
            for index in part.into_inner() {
                let (mut keys, mut said) = (Vec::new(), Settings::default());
                for part in index.into_inner() {
                    match part.as_rule() {
                        Rule::settings => said = settings(part),
                        _ => keys.extend(part.into_inner().map(|key| match key.as_rule() {
                            Rule::sql => Key::Sql(key.as_str().trim_matches('`').into()),
                            _ => Key::Column(plain(key)),
                        })),
                    }
                }
                out.push(Line::Index(keys, said));
            }
        }
        Rule::checks => {
            for check in part.into_inner() {
                let (mut text, mut said) = (String::new(), Settings::default());
                for part in check.into_inner() {
                    match part.as_rule() {
                        Rule::settings => said = settings(part),
                        _ => text = part.as_str().trim_matches('`').into(),
                    }
                }
                out.push(Line::Check(text, said));
            }
        }
        _ => {}
    }
}

fn reference(name: Option<SmolStr>, pair: Pair<'_, Rule>, line: usize) -> Option<Reference> {
    let (mut ends, mut by, mut said) = (Vec::new(), None, Settings::default());
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::end => ends.push(end(part)),
            Rule::relation => by = relation(part.as_str()),
            _ => said = settings(part),
        }
    }
    let right = ends.pop()?;
    Some(Reference { name, left: ends.pop()?, relation: by?, right, settings: said, line })
}

fn end(pair: Pair<'_, Rule>) -> End {
    let (mut table, mut columns) = (Vec::new(), Vec::new());
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::names => table = names(part),
            _ => columns.push(plain(part)),
        }
    }
    if columns.is_empty() {
        columns.extend(table.pop());
    }
    End { table, columns }
}

fn relation(text: &str) -> Option<Relation> {
    Some(match text.trim_matches('?') {
        "<" => Relation::OneToMany,
        ">" => Relation::ManyToOne,
        "-" => Relation::OneToOne,
        "<>" => Relation::ManyToMany,
        _ => return None,
    })
}

fn settings(pair: Pair<'_, Rule>) -> Settings {
    let mut out = Settings::default();
    for part in pair.into_inner().flat_map(Pair::into_inner) {
        match part.as_rule() {
            Rule::flag => out.flags.push(words(part.as_str())),
            Rule::said => {
                let mut parts = part.into_inner();
                if let (Some(name), Some(of)) = (parts.next(), parts.next().and_then(|value| value.into_inner().next()))
                {
                    out.said.push((words(name.as_str()), value(of)));
                }
            }
            Rule::inline => {
                let mut parts = part.into_inner();
                if let (Some(by), Some(to)) = (parts.next().and_then(|part| relation(part.as_str())), parts.next()) {
                    out.references.push((by, names(to)));
                }
            }
            _ => {}
        }
    }
    out
}

/// Words in lower case, one space between them.
fn words(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn value(pair: Pair<'_, Rule>) -> Value {
    let text = pair.as_str().trim();
    match pair.as_rule() {
        Rule::text => Value::Text(unquoted(text)),
        Rule::sql => Value::Sql(text.trim_matches('`').into()),
        Rule::number => Value::Number(text.into()),
        Rule::quoted => Value::Text(text.trim_matches('"').into()),
        _ => Value::Words(text.into()),
    }
}

/// A string without its quotes and escapes; the lines of a long one without what they all begin with.
fn unquoted(text: &str) -> String {
    let long = text.strip_prefix("'''").and_then(|text| text.strip_suffix("'''"));
    let inside = long.or_else(|| text.strip_prefix('\'')?.strip_suffix('\'')).unwrap_or(text);
    let mut out = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    if long.is_none() {
        return out;
    }
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let shared = out.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let lines: Vec<&str> = out.lines().map(|line| line.get(shared..).unwrap_or("").trim_end()).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

//! The text of a Prisma schema as a tree.

use crate::{ImportError, unreadable};
use pest::Parser;
use pest::iterators::Pair;

#[derive(pest_derive::Parser)]
#[grammar = "../../grammar/prisma.pest"]
struct Grammar;

/// `@id`, `@@map("users")`: its name, its arguments, and where it stands.
pub struct Mark {
    pub name: String,
    pub arguments: Vec<(Option<String>, Value)>,
}

impl Mark {
    /// The argument of this name.
    pub fn named(&self, name: &str) -> Option<&Value> {
        self.arguments.iter().find(|(of, _)| of.as_deref() == Some(name)).map(|(_, value)| value)
    }

    /// The argument of this name, or the first that has none.
    pub fn first(&self, name: &str) -> Option<&Value> {
        self.named(name).or_else(|| self.arguments.iter().find(|(of, _)| of.is_none()).map(|(_, value)| value))
    }

    /// A text among the arguments.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.named(name).and_then(Value::text)
    }
}

pub enum Value {
    Text(String),
    Number(String),
    Word(String),
    List(Vec<Value>),
    Call(Mark),
}

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn word(&self) -> Option<&str> {
        match self {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    pub fn list(&self) -> &[Value] {
        match self {
            Value::List(list) => list,
            _ => &[],
        }
    }
}

/// How often a field's type is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Many {
    One,
    Maybe,
    List,
}

pub struct Field {
    pub name: String,
    pub ty: String,
    /// `Unsupported("…")`
    pub raw: bool,
    pub many: Many,
    pub marks: Vec<Mark>,
    pub line: usize,
}

impl Field {
    pub fn mark(&self, name: &str) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.name == name)
    }

    /// Its name in the database.
    pub fn column(&self) -> &str {
        self.mark("map").and_then(|mark| mark.first("name")).and_then(Value::text).unwrap_or(&self.name)
    }
}

/// A model, an enum, a datasource.
pub struct Block {
    pub kind: String,
    pub name: String,
    pub fields: Vec<Field>,
    pub attributes: Vec<Mark>,
    pub settings: Vec<(String, Value)>,
}

impl Block {
    pub fn attribute(&self, name: &str) -> Option<&Mark> {
        self.attributes.iter().find(|mark| mark.name == name)
    }

    /// Its name in the database.
    pub fn table(&self) -> &str {
        self.attribute("map").and_then(|mark| mark.first("name")).and_then(Value::text).unwrap_or(&self.name)
    }

    /// Its schema in the database.
    pub fn schema(&self) -> &str {
        self.attribute("schema").and_then(|mark| mark.first("map")).and_then(Value::text).unwrap_or("public")
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Lists in lists in lists.
const DEEPEST: usize = 64;

/// The blocks, and how many lines of documentation there are.
pub fn parse(text: &str) -> Result<(Vec<Block>, usize), ImportError> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        depth = match c {
            '(' | '[' => depth + 1,
            ')' | ']' => depth.saturating_sub(1),
            '\n' if depth < DEEPEST => depth,
            _ => depth,
        };
        if depth > DEEPEST {
            let line = text[..at].matches('\n').count() + 1;
            return Err(ImportError { line, message: format!("brackets stand deeper than {DEEPEST} in each other") });
        }
    }
    let text = format!("{text}\n");
    let file = Grammar::parse(Rule::file, &text).map_err(|error| unreadable(&error))?;
    let (mut blocks, mut docs) = (Vec::new(), 0);
    for pair in file.flatten() {
        match pair.as_rule() {
            Rule::doc => docs += 1,
            Rule::settings | Rule::enumeration | Rule::model | Rule::other => blocks.push(block(pair)),
            _ => {}
        }
    }
    Ok((blocks, docs))
}

fn block(pair: Pair<'_, Rule>) -> Block {
    let kind = match pair.as_rule() {
        Rule::enumeration => "enum",
        Rule::model => "model",
        _ => "",
    };
    let mut block = Block {
        kind: kind.into(),
        name: String::new(),
        fields: Vec::new(),
        attributes: Vec::new(),
        settings: Vec::new(),
    };
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::kind_settings | Rule::kind_other => block.kind = part.as_str().into(),
            Rule::word => block.name = part.as_str().into(),
            Rule::attribute => block.attributes.push(mark(part)),
            Rule::label | Rule::field => block.fields.push(field(part)),
            Rule::setting => {
                let mut parts = part.into_inner();
                if let (Some(name), Some(of)) = (parts.next(), parts.next()) {
                    block.settings.push((name.as_str().into(), value(of)));
                }
            }
            _ => {}
        }
    }
    block
}

fn field(pair: Pair<'_, Rule>) -> Field {
    let line = pair.line_col().0;
    let mut field =
        Field { name: String::new(), ty: String::new(), raw: false, many: Many::One, marks: Vec::new(), line };
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::word => field.name = part.as_str().into(),
            Rule::mark => field.marks.push(mark(part)),
            Rule::ty => {
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::path => field.ty = part.as_str().into(),
                        Rule::unsupported => {
                            field.raw = true;
                            field.ty = part.into_inner().map(|text| unquoted(text.as_str())).collect();
                        }
                        Rule::list => field.many = Many::List,
                        Rule::optional => field.many = Many::Maybe,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    field
}

fn mark(pair: Pair<'_, Rule>) -> Mark {
    let mut mark = Mark { name: String::new(), arguments: Vec::new() };
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::path => mark.name = part.as_str().into(),
            Rule::arguments => {
                for argument in part.into_inner() {
                    let mut name = None;
                    for part in argument.into_inner() {
                        match part.as_rule() {
                            Rule::word => name = Some(part.as_str().to_owned()),
                            _ => mark.arguments.push((name.take(), value(part))),
                        }
                    }
                }
            }
            _ => {}
        }
    }
    mark
}

fn value(pair: Pair<'_, Rule>) -> Value {
    let Some(part) = pair.into_inner().next() else { return Value::Word(String::new()) };
    match part.as_rule() {
        Rule::string => Value::Text(unquoted(part.as_str())),
        Rule::number => Value::Number(part.as_str().into()),
        Rule::array => Value::List(part.into_inner().map(value).collect()),
        Rule::call => Value::Call(mark(part)),
        _ => Value::Word(part.as_str().into()),
    }
}

/// A string without its quotes and escapes.
fn unquoted(text: &str) -> String {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    // The escapes are those of JSON.
    serde_json::from_str(text).unwrap_or_else(|_| inside.to_owned())
}

//! Expressions: variables, what other files give, objects, texts, what functions return.

use crate::project::{Project, Unit};
use crate::request::{Client, Found, Piece};
use crate::scope::{Binding, Export, is_function};
use crate::syntax::NodeId;
use crate::value::{Place, Text, Value};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::Span;

/// How many expressions lead on to each other: no code has as many, and the stack has an end.
const DEEP: usize = 48;

/// Works out what a project asks for.
pub(crate) struct Eval<'p, 't> {
    pub project: &'p Project<'t>,
    /// As whom a client asks that does not say it.
    pub browser: &'p [SmolStr],
    pub found: Found,
    known: FxHashMap<Place, Value>,
    depth: usize,
    /// How many expressions are looked at in all, so that code that leads in circles ends.
    fuel: usize,
}

impl<'p, 't> Eval<'p, 't> {
    pub(crate) fn new(project: &'p Project<'t>, browser: &'p [SmolStr]) -> Self {
        let nodes: usize = project.units.iter().map(|unit| unit.tree.len() as usize).sum();
        let fuel = nodes.saturating_mul(16).saturating_add(10_000);
        Self { project, browser, found: Found::default(), known: FxHashMap::default(), depth: 0, fuel }
    }

    /// Looks at every call, what stands within others first.
    pub(crate) fn run(&mut self) {
        for at in 0..self.project.units.len() {
            for id in (0..self.unit(at).tree.len()).rev() {
                if self.unit(at).tree.kind(id) == "call_expression" {
                    self.value((at, id));
                }
            }
        }
    }

    pub(crate) fn unit(&self, at: usize) -> &'p Unit<'t> {
        &self.project.units[at]
    }

    pub(crate) fn span(&self, (at, id): Place) -> Span {
        self.unit(at).span(id)
    }

    /// Notes what is not looked into.
    pub(crate) fn open(&mut self, at: Place, what: impl Into<String>) {
        let span = self.span(at);
        self.found.open.push((span, what.into()));
    }

    /// What an expression is worth.
    pub(crate) fn value(&mut self, (at, id): Place) -> Value {
        let id = self.unit(at).tree.bare(id);
        if let Some(value) = self.known.get(&(at, id)) {
            return value.clone();
        }
        if self.depth >= DEEP || self.fuel == 0 {
            return Value::Open;
        }
        self.fuel -= 1;
        self.depth += 1;
        self.known.insert((at, id), Value::Open);
        let value = self.work_out((at, id));
        self.depth -= 1;
        match value.is_final() {
            true => self.known.insert((at, id), value.clone()),
            false => self.known.remove(&(at, id)),
        };
        value
    }

    fn work_out(&mut self, place: Place) -> Value {
        let (at, id) = place;
        let tree = &self.unit(at).tree;
        match tree.kind(id) {
            "identifier" | "shorthand_property_identifier" => self.name(at, id, &SmolStr::new(self.unit(at).text(id))),
            "string" | "template_string" => self.text(place),
            "binary_expression" => self.binary(place),
            "ternary_expression" => {
                let sides = [tree.field(id, "consequence"), tree.field(id, "alternative")];
                let [Some(a), Some(b)] = sides.map(|side| side.map(|side| self.value((at, side)))) else {
                    return Value::Unknown;
                };
                either(a, b)
            }
            "call_expression" => self.call(place),
            "new_expression" => match tree.field(id, "constructor") {
                Some(class) => self.value((at, class)),
                None => Value::Unknown,
            },
            "member_expression" | "subscript_expression" => self.member(place),
            "object" | "array" => Value::Node(place),
            kind if is_function(kind) => Value::Node(place),
            "class_declaration" | "class" | "enum_declaration" => Value::Node(place),
            "type_annotation" | "type_identifier" => self.of_type(place),
            "sequence_expression" => tree.children(id).last().map_or(Value::Unknown, |last| self.value((at, last))),
            _ => Value::Unknown,
        }
    }

    /// What a name stands for.
    fn name(&mut self, at: usize, id: NodeId, name: &SmolStr) -> Value {
        let unit = self.unit(at);
        let Some((scope, binding)) = unit.names.find(&unit.tree, id, name) else { return Value::Unknown };
        match binding {
            Binding::Declared(node) => Value::Node((at, *node)),
            Binding::Import { source, name } => self.import(at, source, name),
            Binding::Open { ty } => ty.map_or(Value::Unknown, |ty| self.of_type((at, ty))),
            Binding::Variable { value, keys, ty } => {
                let mut found = match value {
                    Some(value) => self.value((at, *value)),
                    None => Value::Open,
                };
                for key in keys {
                    found = self.key(found, key);
                }
                let later = unit.names.assigned.get(name).map(Vec::as_slice).unwrap_or_default();
                for node in later {
                    let same = unit.names.find(&unit.tree, *node, name).is_some_and(|(other, _)| other == scope);
                    let other = if same { self.value((at, *node)) } else { continue };
                    // What it becomes out of itself is known when that is.
                    found = match (found, other) {
                        (found, Value::Open) => found,
                        (Value::Open, other) => other,
                        (found, other) => either(found, other),
                    };
                }
                match (found, ty) {
                    (Value::Unknown | Value::Open, Some(ty)) if self.of_type((at, *ty)).is_known() => {
                        self.of_type((at, *ty))
                    }
                    (found, _) => found,
                }
            }
        }
    }

    /// What another file gives, or a package.
    fn import(&mut self, at: usize, source: &SmolStr, name: &SmolStr) -> Value {
        let from = &self.unit(at).file;
        let from = self.project.name(*from);
        match self.project.resolve(from, source) {
            Some(unit) => self.given(unit, name, 0),
            None => Value::Package(source.clone(), name.clone()),
        }
    }

    /// What a unit gives under a name.
    fn given(&mut self, at: usize, name: &SmolStr, depth: usize) -> Value {
        if name == "*" {
            return Value::Module(at);
        }
        if depth > DEEP {
            return Value::Unknown;
        }
        let unit = self.unit(at);
        match unit.names.exports.get(name) {
            Some(Export::Name(name)) => self.name(at, 0, name),
            Some(Export::Node(node)) => self.value((at, *node)),
            Some(Export::Other { source, name }) => match self.project.resolve(self.project.name(unit.file), source) {
                Some(unit) => self.given(unit, name, depth + 1),
                None => Value::Package(source.clone(), name.clone()),
            },
            None => {
                let from = self.project.name(unit.file);
                let others = unit.names.passes.iter().filter_map(|source| self.project.resolve(from, source));
                let others: Vec<usize> = others.filter(|other| *other != at).take(DEEP).collect();
                others
                    .into_iter()
                    .map(|other| if self.spend() { self.given(other, name, depth + 1) } else { Value::Unknown })
                    .find(Value::is_known)
                    .unwrap_or_default()
            }
        }
    }

    fn spend(&mut self) -> bool {
        self.fuel = self.fuel.saturating_sub(1);
        self.fuel > 0
    }

    /// A client that is known by its type alone.
    fn of_type(&mut self, (at, id): Place) -> Value {
        match self.unit(at).text(id).contains("SupabaseClient") {
            true => Value::Client(std::rc::Rc::new(self.visitor())),
            false => Value::Unknown,
        }
    }

    /// A client of which nothing is known.
    pub(crate) fn visitor(&self) -> Client {
        Client { roles: self.browser.to_vec(), schema: None }
    }

    fn text(&mut self, (at, id): Place) -> Value {
        let unit = self.unit(at);
        let tree = &unit.tree;
        let mut text = String::new();
        let mut plain = true;
        for part in tree.children(id) {
            match tree.kind(part) {
                "string_fragment" => text.push_str(unit.text(part)),
                "escape_sequence" => {
                    plain = false;
                    text.push(unescaped(unit.text(part)));
                }
                "template_substitution" => {
                    plain = false;
                    let inner = tree.children(part).next().map(|inner| self.value((at, inner)));
                    match inner {
                        Some(Value::Text(inner)) => text.push_str(&inner.text),
                        Some(Value::Open) => return Value::Open,
                        _ => return Value::Unknown,
                    }
                }
                _ => {}
            }
        }
        let start = tree.node(id).start + 1;
        Value::Text(Text { text: text.into(), at: plain.then_some((unit.file, start)) })
    }

    /// Texts one after the other, and what stands in for something that is missing.
    fn binary(&mut self, (at, id): Place) -> Value {
        let tree = &self.unit(at).tree;
        // `a + b + c` leans to the left as deep as it is long.
        let (mut last, mut parts) = (id, Vec::new());
        loop {
            let is = |field: &str| tree.field(last, field);
            let (Some(left), Some(right), Some(sign)) = (is("left"), is("right"), is("operator")) else {
                return Value::Unknown;
            };
            match tree.kind(sign) {
                "+" => {}
                "??" | "||" if parts.is_empty() => {
                    return match self.value((at, left)) {
                        Value::Unknown => match self.value((at, right)) {
                            found @ (Value::Client(_) | Value::Open) => found,
                            _ => Value::Unknown,
                        },
                        found => found,
                    };
                }
                _ => return Value::Unknown,
            }
            parts.push(right);
            let left = tree.bare(left);
            if tree.kind(left) != "binary_expression" {
                parts.push(left);
                break;
            }
            last = left;
        }
        let mut text = String::new();
        for part in parts.into_iter().rev() {
            match self.value((at, part)) {
                Value::Text(part) => text.push_str(&part.text),
                Value::Open => return Value::Open,
                _ => return Value::Unknown,
            }
        }
        Value::Text(Text { text: text.into(), at: None })
    }

    /// `object.name`, `object['name']`
    fn member(&mut self, (at, id): Place) -> Value {
        let tree = &self.unit(at).tree;
        let Some(object) = tree.field(id, "object") else { return Value::Unknown };
        let name = match (tree.field(id, "property"), tree.field(id, "index")) {
            (Some(name), _) => SmolStr::new(self.unit(at).text(name)),
            (None, Some(index)) => match self.value((at, index)) {
                Value::Text(text) => text.text,
                other => return if other == Value::Open { Value::Open } else { Value::Unknown },
            },
            (None, None) => return Value::Unknown,
        };
        if tree.kind(tree.bare(object)) == "this" {
            return self.property(at, &name);
        }
        let value = self.value((at, object));
        self.key(value, &name)
    }

    /// What a class keeps under a name. Where the classes of a file keep several, the first that is known counts.
    fn property(&mut self, at: usize, name: &SmolStr) -> Value {
        let nodes = self.unit(at).names.properties.get(name).map(Vec::as_slice).unwrap_or_default();
        nodes.iter().map(|node| self.value((at, *node))).find(Value::is_known).unwrap_or_default()
    }

    /// What a value has under a key.
    pub(crate) fn key(&mut self, value: Value, key: &SmolStr) -> Value {
        match value {
            Value::Client(client) if key == "storage" => Value::Storage(client),
            Value::Module(unit) => self.given(unit, key, 0),
            Value::Package(source, name) if name == "*" => Value::Package(source, key.clone()),
            Value::Node((at, id)) => match self.entry((at, id), key) {
                Some(entry) => self.value((at, entry)),
                None => Value::Unknown,
            },
            Value::Open => Value::Open,
            _ => Value::Unknown,
        }
    }

    /// The node that an object, enum or class has under a key; the last counts.
    pub(crate) fn entry(&self, (at, id): Place, key: &str) -> Option<NodeId> {
        let unit = self.unit(at);
        let tree = &unit.tree;
        let of = match tree.kind(id) {
            "object" => id,
            "enum_declaration" | "class_declaration" => tree.field(id, "body")?,
            _ => return None,
        };
        let named = |name: Option<NodeId>| name.is_some_and(|name| crate::scope::bare_string(unit.text(name)) == key);
        let found = tree.children(of).filter_map(|entry| match tree.kind(entry) {
            "pair" if named(tree.field(entry, "key")) => tree.field(entry, "value"),
            "enum_assignment" | "public_field_definition" if named(tree.field(entry, "name")) => {
                tree.field(entry, "value")
            }
            "method_definition" if named(tree.field(entry, "name")) => Some(entry),
            "shorthand_property_identifier" if named(Some(entry)) => Some(entry),
            _ => None,
        });
        found.last()
    }

    /// What a function gives back: where it does so in several places, what they agree on.
    pub(crate) fn returned(&mut self, (at, id): Place) -> Value {
        let tree = &self.unit(at).tree;
        let Some(body) = tree.field(id, "body") else { return Value::Unknown };
        if tree.kind(body) != "statement_block" {
            return self.value((at, body));
        }
        let mut found = Value::Open;
        for node in tree.below(body).filter(|node| tree.kind(*node) == "return_statement") {
            let mut around = tree.parent(node);
            while let Some(other) = around.filter(|other| !is_function(tree.kind(*other))) {
                around = if self.spend() { tree.parent(other) } else { None };
            }
            let Some(value) = tree.children(node).next().filter(|_| around == Some(id)) else { continue };
            found = match (found, self.value((at, value))) {
                (found, Value::Open) => found,
                (Value::Open, other) => other,
                (found, other) => either(found, other),
            };
        }
        found
    }

    /// An argument as a text that stands there.
    pub(crate) fn piece(&mut self, place: Place) -> Option<Piece> {
        match self.value(place) {
            Value::Text(text) => Some(text.piece(self.span(place))),
            _ => None,
        }
    }
}

/// What two ways agree on. Clients of two roles are one that has either.
fn either(a: Value, b: Value) -> Value {
    match (a, b) {
        (a, b) if a == b => a,
        (Value::Client(a), Value::Client(b)) => {
            let mut both = Client::clone(&a);
            both.roles.extend(b.roles.iter().filter(|role| !a.roles.contains(role)).cloned());
            Value::Client(std::rc::Rc::new(both))
        }
        // A client that is made once and kept is missing before.
        (Value::Client(client), Value::Unknown) | (Value::Unknown, Value::Client(client)) => Value::Client(client),
        _ => Value::Unknown,
    }
}

/// The character that an escape stands for.
fn unescaped(text: &str) -> char {
    let code = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    match text.get(1..2) {
        Some("n") => '\n',
        Some("t") => '\t',
        Some("r") => '\r',
        Some("u" | "x") => {
            let digits = text[2..].trim_start_matches('{').trim_end_matches('}');
            code(digits).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => text[1..].chars().next().unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

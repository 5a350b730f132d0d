//! Calls: what makes a client, a request, and what adds to one.

use crate::eval::Eval;
use crate::request::{Action, Client, Files, Filter, Listening, Piece, Request, Target};
use crate::scope::{bare_string, is_function};
use crate::syntax::NodeId;
use crate::value::{Place, Table, Text, Value};
use smol_str::SmolStr;
use std::rc::Rc;

/// Methods whose first argument is a column that decides which rows there are.
const FILTERS: [&str; 31] = [
    "eq",
    "neq",
    "gt",
    "gte",
    "lt",
    "lte",
    "like",
    "ilike",
    "likeAllOf",
    "likeAnyOf",
    "ilikeAllOf",
    "ilikeAnyOf",
    "is",
    "isDistinct",
    "in",
    "notIn",
    "contains",
    "containedBy",
    "rangeGt",
    "rangeGte",
    "rangeLt",
    "rangeLte",
    "rangeAdjacent",
    "overlaps",
    "textSearch",
    "regexMatch",
    "regexIMatch",
    "match_",
    "not",
    "filter",
    "imatch",
];

/// Methods of a table that ask for something.
const VERBS: [&str; 5] = ["select", "insert", "update", "upsert", "delete"];

impl<'p> Eval<'p, '_> {
    /// What a call gives, with what it asks for.
    pub(crate) fn call(&mut self, place: Place) -> Value {
        let (at, id) = place;
        let unit = self.unit(at);
        let tree = &unit.tree;
        let Some(callee) = tree.field(id, "function").map(|callee| tree.bare(callee)) else { return Value::Unknown };
        let arguments: Vec<NodeId> = match tree.field(id, "arguments") {
            Some(list) if tree.kind(list) == "arguments" => tree.children(list).collect(),
            _ => Vec::new(),
        };
        if !matches!(tree.kind(callee), "member_expression" | "subscript_expression") {
            let name = SmolStr::new(unit.text(callee));
            let callee = self.value((at, callee));
            return self.called(callee, &name, &arguments, at);
        }
        let (Some(object), Some(name)) = (tree.field(callee, "object"), self.method((at, callee))) else {
            return Value::Unknown;
        };
        let receiver = match tree.kind(tree.bare(object)) {
            "this" | "super" => Value::Unknown,
            _ => self.value((at, object)),
        };
        match receiver {
            Value::Open => Value::Open,
            Value::Client(client) => self.of_client(client, &name, &arguments, place),
            Value::Table(table) => self.of_table(&table, &name, &arguments, place),
            Value::Request(request) => {
                self.add(request, &name, &arguments, at);
                Value::Request(request)
            }
            Value::Storage(client) if name == "from" => {
                let bucket = arguments.first().map(|first| self.value((at, *first)));
                let bucket = if let Some(Value::Text(text)) = bucket { Some(text) } else { None };
                Value::Bucket(Rc::new((Client::clone(&client), bucket)))
            }
            Value::Bucket(bucket) => {
                self.files(&bucket, name, &arguments, place);
                Value::Unknown
            }
            Value::Channel(client) => {
                if name == "on" {
                    self.listen(&client, &arguments, place);
                }
                Value::Channel(client)
            }
            Value::Node(node) if self.unit(node.0).tree.kind(node.1) == "array" && name == "join" => {
                self.joined(node, arguments.first().map(|first| (at, *first)))
            }
            found @ (Value::Node(_) | Value::Module(_) | Value::Package(..)) => {
                let callee = self.key(found, &name);
                self.called(callee, &name, &arguments, at)
            }
            Value::Unknown if tree.kind(tree.bare(object)) == "this" => {
                let callee = self.value((at, callee));
                self.called(callee, &name, &arguments, at)
            }
            Value::Unknown => self.of_somebody((at, object), &name, &arguments, place),
            _ => Value::Unknown,
        }
    }

    /// The name of a method.
    fn method(&mut self, (at, callee): Place) -> Option<SmolStr> {
        let unit = self.unit(at);
        match unit.tree.field(callee, "property") {
            Some(name) => Some(unit.text(name).into()),
            None => match self.value((at, unit.tree.field(callee, "index")?)) {
                Value::Text(text) => Some(text.text),
                _ => None,
            },
        }
    }

    /// What a function gives that is called by its name.
    fn called(&mut self, callee: Value, name: &str, arguments: &[NodeId], at: usize) -> Value {
        match callee {
            Value::Node((unit, node)) if is_function(self.unit(unit).tree.kind(node)) => self.returned((unit, node)),
            Value::Package(source, name) => self.made(&source, &name, arguments, at).unwrap_or_default(),
            Value::Open => Value::Open,
            Value::Unknown if name == "require" => match arguments.first().map(|first| self.value((at, *first))) {
                Some(Value::Text(source)) => {
                    let from = self.project.name(self.unit(at).file);
                    match self.project.resolve(from, &source.text) {
                        Some(unit) => Value::Module(unit),
                        None => Value::Package(source.text, "*".into()),
                    }
                }
                _ => Value::Unknown,
            },
            // Names that a framework brings without an import.
            Value::Unknown => {
                self.made("#supabase", name, &[], at).filter(|_| name.contains("upabase")).unwrap_or_default()
            }
            _ => Value::Unknown,
        }
    }

    /// A call of something that is not known: a client by its name, or by what is asked of it.
    fn of_somebody(&mut self, object: Place, name: &str, arguments: &[NodeId], place: Place) -> Value {
        let unit = self.unit(object.0);
        let tree = &unit.tree;
        let bare = tree.bare(object.1);
        let words = unit.text(tree.field(bare, "property").unwrap_or(bare));
        let is_client = words.len() < 100 && words.to_ascii_lowercase().contains("supabase") && !words.contains('(');
        let storage = tree.kind(bare) == "member_expression" && words == "storage";
        match name {
            "from" if storage => {
                let owner =
                    tree.field(bare, "object").map(|owner| unit.text(owner).to_ascii_lowercase()).unwrap_or_default();
                if !owner.contains("supabase") {
                    return Value::Unknown;
                }
                let bucket = arguments.first().map(|first| self.value((place.0, *first)));
                let bucket = if let Some(Value::Text(text)) = bucket { Some(text) } else { None };
                Value::Bucket(Rc::new((self.visitor(), bucket)))
            }
            "from" if arguments.len() == 1 && (is_client || self.is_asked(place) && !starts_large(words)) => {
                let client = Rc::new(self.visitor());
                self.of_client(client, name, arguments, place)
            }
            "rpc" | "schema" | "channel" if is_client => {
                let client = Rc::new(self.visitor());
                self.of_client(client, name, arguments, place)
            }
            "on" => {
                let first = arguments.first().map(|first| self.value((place.0, *first)));
                if matches!(&first, Some(Value::Text(text)) if text.text == "postgres_changes") {
                    let client = self.visitor();
                    self.listen(&client, arguments, place);
                    return Value::Channel(Rc::new(client));
                }
                Value::Unknown
            }
            _ => Value::Unknown,
        }
    }

    /// Whether a verb follows right behind a call.
    fn is_asked(&self, (at, id): Place) -> bool {
        let unit = self.unit(at);
        let verb = unit.tree.parent(id).filter(|parent| unit.tree.node(id).field == Some("object") && *parent < id);
        verb.and_then(|parent| unit.tree.field(parent, "property")).is_some_and(|verb| VERBS.contains(&unit.text(verb)))
    }

    fn of_client(&mut self, client: Rc<Client>, name: &str, arguments: &[NodeId], place: Place) -> Value {
        let at = place.0;
        let first = arguments.first().map(|first| (at, *first));
        match name {
            "from" => {
                let name = first.and_then(|first| self.piece(first));
                let span = self.span(first.unwrap_or(place));
                let schema = client.schema.clone();
                Value::Table(Rc::new(Table { client: Client::clone(&client), schema, name, span }))
            }
            "schema" => match first.and_then(|first| self.piece(first)) {
                Some(schema) => Value::Client(Rc::new(Client { schema: Some(schema), ..Client::clone(&client) })),
                None => {
                    self.open(first.unwrap_or(place), "which schema is meant is known when the code runs");
                    Value::Unknown
                }
            },
            "channel" => Value::Channel(client),
            "rpc" => {
                let Some(name) = first.and_then(|first| self.piece(first)) else {
                    self.open(first.unwrap_or(place), "which function is called is known when the code runs");
                    return Value::Unknown;
                };
                let args = match arguments.get(1) {
                    None => Some(Vec::new()),
                    Some(args) => {
                        let (keys, all) = self.keys((at, *args), "the arguments");
                        all.then_some(keys)
                    }
                };
                let client = Client::clone(&client);
                self.request(client, None, Target::Function(name, args), Action::Select)
            }
            _ => Value::Unknown,
        }
    }

    fn request(&mut self, client: Client, schema: Option<Piece>, target: Target, action: Action) -> Value {
        self.found.requests.push(Request {
            schema: schema.or_else(|| client.schema.clone()),
            client,
            target,
            action,
            select: None,
            whole: false,
            filters: Vec::new(),
            logic: Vec::new(),
            writes: Vec::new(),
            on_conflict: None,
            ignores: false,
        });
        Value::Request(self.found.requests.len() - 1)
    }

    fn of_table(&mut self, table: &Table, verb: &str, arguments: &[NodeId], place: Place) -> Value {
        let action = match verb {
            "select" => Action::Select,
            "insert" => Action::Insert,
            "update" => Action::Update,
            "upsert" => Action::Upsert,
            "delete" => Action::Delete,
            _ => return Value::Unknown,
        };
        let Some(name) = table.name.clone() else {
            self.found.open.push((table.span, "which table is meant is known when the code runs".into()));
            return Value::Unknown;
        };
        let made = self.request(table.client.clone(), table.schema.clone(), Target::Table(name), action);
        let Value::Request(request) = made else { return made };
        let at = place.0;
        match action {
            Action::Select => self.add(request, "select", arguments, at),
            Action::Delete => {}
            Action::Insert | Action::Update | Action::Upsert => {
                if let Some(rows) = arguments.first() {
                    self.found.requests[request].writes = self.keys((at, *rows), "the columns that are written").0;
                }
                if let Some(Value::Node(options)) = arguments.get(1).map(|options| self.value((at, *options))) {
                    let conflict = self.entry(options, "onConflict").and_then(|value| self.piece((options.0, value)));
                    let ignores = self.entry(options, "ignoreDuplicates");
                    let request = &mut self.found.requests[request];
                    request.on_conflict = conflict;
                    request.ignores = ignores.is_some_and(|value| self.project.units[options.0].text(value) == "true");
                }
            }
        }
        made
    }

    /// What a method adds to a request.
    fn add(&mut self, request: usize, method: &str, arguments: &[NodeId], at: usize) {
        let first = arguments.first().map(|first| (at, *first));
        let of = |eval: &mut Self, place: usize| {
            let Value::Node(options) = eval.value((at, *arguments.get(place)?)) else { return None };
            let names = ["referencedTable", "foreignTable"];
            let value = names.iter().find_map(|name| eval.entry(options, name))?;
            eval.piece((options.0, value))
        };
        match method {
            "select" => match first.map(|first| (first, self.piece(first))) {
                None => self.found.requests[request].whole = true,
                Some((_, Some(select))) => self.found.requests[request].select = Some(select),
                Some((first, None)) => self.open(first, "what is selected is known when the code runs"),
            },
            "match" => {
                if let Some(first) = first {
                    let keys = self.keys(first, "the columns of the condition").0;
                    let filters = keys.into_iter().map(|column| Filter { column, of: None, orders: false });
                    self.found.requests[request].filters.extend(filters);
                }
            }
            "or" => match first.map(|first| (first, self.piece(first))) {
                Some((_, Some(text))) => {
                    let of = of(self, 1);
                    self.found.requests[request].logic.push((text, of));
                }
                Some((first, None)) => {
                    let of = of(self, 1);
                    self.open_logic(request, first, of);
                }
                None => {}
            },
            "order" => {
                if let Some(first) = first {
                    let of = of(self, 1);
                    self.filter(request, first, of, true);
                }
            }
            method if FILTERS.contains(&method) => {
                if let Some(first) = first {
                    self.filter(request, first, None, false);
                }
            }
            _ => {}
        }
    }

    fn filter(&mut self, request: usize, first: Place, of: Option<Piece>, orders: bool) {
        match self.piece(first) {
            Some(column) => self.found.requests[request].filters.push(Filter { column, of, orders }),
            None => self.open(first, "which column is meant is known when the code runs"),
        }
    }

    /// A condition whose values are known when the code runs: its columns stand between them.
    fn open_logic(&mut self, request: usize, first: Place, of: Option<Piece>) {
        let unit = self.unit(first.0);
        let id = unit.tree.bare(first.1);
        if unit.tree.kind(id) != "template_string" {
            return self.open(first, "the condition is known when the code runs");
        }
        // A value in place of each expression, as long as it, so that places stay as they are.
        let mut text = unit.text(id).as_bytes().to_vec();
        let start = unit.tree.node(id).start;
        for part in unit.tree.children(id).filter(|part| unit.tree.kind(*part) == "template_substitution") {
            let node = unit.tree.node(part);
            text[(node.start - start) as usize..(node.end - start) as usize].fill(b'0');
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let text = bare_string(&text);
        let piece = Piece { text, span: unit.span(id), at: Some(start + 1) };
        if crate::select::logic(&piece.text).is_ok() {
            self.found.requests[request].logic.push((piece, of));
        } else {
            self.open(first, "the condition is known when the code runs");
        }
    }

    /// The keys of an object or of those in a list, and whether they are all that there are.
    fn keys(&mut self, place: Place, what: &str) -> (Vec<Piece>, bool) {
        let (mut keys, mut all) = (Vec::new(), true);
        let mut open = vec![(place, place)];
        let mut left = 10_000;
        while let Some((node, shown)) = open.pop() {
            left -= 1;
            let Value::Node((at, id)) = self.rows(node) else {
                all = false;
                self.open(shown, format!("{what} are known when the code runs"));
                continue;
            };
            if left <= 0 {
                all = false;
                break;
            }
            let here = |id: NodeId| if at == place.0 { (at, id) } else { shown };
            let unit = self.unit(at);
            let entries: Vec<NodeId> = unit.tree.children(id).collect();
            if unit.tree.kind(id) == "array" {
                open.extend(entries.into_iter().map(|entry| ((at, entry), here(entry))));
                continue;
            }
            for entry in entries {
                let name = match unit.tree.kind(entry) {
                    "spread_element" => {
                        if let Some(inner) = unit.tree.children(entry).next() {
                            open.push(((at, inner), here(entry)));
                        }
                        continue;
                    }
                    "pair" => unit.tree.field(entry, "key"),
                    "method_definition" => unit.tree.field(entry, "name"),
                    _ => Some(entry),
                };
                let Some(name) = name else { continue };
                let key = match unit.tree.kind(name) {
                    "computed_property_name" => {
                        let inner = unit.tree.children(name).next().map(|inner| self.value((at, inner)));
                        let Some(Value::Text(text)) = inner else {
                            all = false;
                            self.open(here(name), format!("one of {what} is known when the code runs"));
                            continue;
                        };
                        text.piece(self.span(here(name)))
                    }
                    "string" => match self.value((at, name)) {
                        Value::Text(text) => text.piece(self.span(here(name))),
                        _ => continue,
                    },
                    _ => {
                        let span = self.span(here(name));
                        let at = (at == place.0).then_some(span.start);
                        Piece { text: unit.text(name).into(), span, at }
                    }
                };
                keys.push(key);
            }
        }
        keys.sort_by_key(|key| (key.span, key.text.clone()));
        keys.dedup();
        (keys, all)
    }

    /// An object or list, or what a function makes of each element of a list.
    fn rows(&mut self, (at, id): Place) -> Value {
        let unit = self.unit(at);
        let tree = &unit.tree;
        let id = tree.bare(id);
        let callee = tree.field(id, "function").filter(|_| tree.kind(id) == "call_expression");
        let is_map =
            callee.and_then(|callee| tree.field(callee, "property")).is_some_and(|name| unit.text(name) == "map");
        let function = tree.field(id, "arguments").filter(|_| is_map).and_then(|list| tree.children(list).next());
        match function.map(|function| self.value((at, function))) {
            Some(Value::Node(function)) => self.returned(function),
            Some(_) => Value::Unknown,
            None => self.value((at, id)),
        }
    }

    /// `['a', 'b'].join(',')`
    fn joined(&mut self, (at, list): Place, by: Option<Place>) -> Value {
        let by = match by.map(|by| self.value(by)) {
            None => SmolStr::new_static(","),
            Some(Value::Text(text)) => text.text,
            Some(_) => return Value::Unknown,
        };
        let parts: Vec<NodeId> = self.unit(at).tree.children(list).collect();
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            let Value::Text(text) = self.value((at, part)) else { return Value::Unknown };
            texts.push(text.text);
        }
        Value::Text(Text { text: texts.join(by.as_str()).into(), at: None })
    }

    fn files(&mut self, bucket: &(Client, Option<Text>), method: SmolStr, arguments: &[NodeId], place: Place) {
        let (client, name) = bucket;
        let Some(name) = name else {
            return self.open(place, "which bucket is meant is known when the code runs");
        };
        let mut upsert = false;
        if let Some(Value::Node(options)) = arguments.last().map(|last| self.value((place.0, *last))) {
            let value = self.entry(options, "upsert");
            upsert = value.is_some_and(|value| self.unit(options.0).text(value) == "true");
        }
        let span = self.span(place);
        let bucket = name.piece(span);
        self.found.files.push(Files { client: client.clone(), bucket, method, span, upsert });
    }

    fn listen(&mut self, client: &Client, arguments: &[NodeId], place: Place) {
        let mut values = arguments.iter().map(|argument| self.value((place.0, *argument)));
        let kind = values.next();
        if !matches!(&kind, Some(Value::Text(text)) if text.text == "postgres_changes") {
            return;
        }
        let Some(Value::Node(options)) = values.next() else {
            return self.open(place, "which changes are listened to is known when the code runs");
        };
        let mut said = ["schema", "table", "filter"].into_iter().map(|name| {
            let value = (options.0, self.entry(options, name)?);
            Some((self.piece(value), value))
        });
        let [schema, table, filter] = [said.next(), said.next(), said.next()].map(Option::flatten);
        drop(said);
        for (what, said) in [("schema", &schema), ("table", &table)] {
            if let Some((None, value)) = said {
                return self.open(*value, format!("which {what} is meant is known when the code runs"));
            }
        }
        let text = |said: Option<(Option<Piece>, Place)>| said.and_then(|(piece, _)| piece);
        let mut filter_text = None;
        if let Some((piece, value)) = filter {
            // The column stands before the value, which is known when the code runs.
            filter_text = piece.or_else(|| self.beginning(value));
            if filter_text.is_none() {
                self.open(value, "the filter is known when the code runs");
            }
        }
        let span = self.span(options);
        self.found.listening.push(Listening {
            client: client.clone(),
            schema: text(schema),
            table: text(table),
            filter: filter_text,
            span,
        });
    }

    /// The text with which an expression begins.
    fn beginning(&mut self, (at, id): Place) -> Option<Piece> {
        let unit = self.unit(at);
        let tree = &unit.tree;
        let id = tree.bare(id);
        let first = match tree.kind(id) {
            "template_string" => tree.children(id).next().filter(|first| tree.kind(*first) == "string_fragment")?,
            "binary_expression" => {
                let left = tree.bare(tree.field(id, "left")?);
                return self.piece((at, left));
            }
            _ => return None,
        };
        let span = unit.span(first);
        Some(Piece { text: unit.text(first).into(), span, at: Some(span.start) })
    }
}

/// A class or a value of the language, such as `Array`.
fn starts_large(words: &str) -> bool {
    words.starts_with(|c: char| c.is_ascii_uppercase())
}

//! A request set against the schema: what it names that is not there, and what it needs.

use crate::embed::{Ways, field, place, written};
use crate::need::{Need, Relation, What, shown};
use crate::request::{Action, Filter, Piece, Request, Target};
use crate::rights::Rights;
use crate::select::{Item, Word, logic, select};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Command, Function, Kind, Object, ObjectId, Returns, Rule, TableName};
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_types::{Api, RelationKind, Through};
use std::cell::RefCell;
use std::rc::Rc;

/// The schema, as requests see it.
pub(crate) struct Schema<'c> {
    pub catalog: &'c Catalog,
    /// Tables of the platform.
    pub around: &'c Catalog,
    pub rights: Rights<'c>,
    pub api: Api<'c>,
    pub ways: Ways,
    pub views: RefCell<FxHashMap<TableName, Rc<Through>>>,
    functions: FxHashMap<(&'c str, &'c str), Vec<(&'c ObjectId, &'c Function)>>,
}

/// What a request comes to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub findings: Vec<Diagnostic>,
    pub needs: Vec<Need>,
    /// What is not looked into.
    pub open: Vec<(Span, String)>,
}

impl<'c> Schema<'c> {
    pub(crate) fn new(catalog: &'c Catalog, around: &'c Catalog) -> Self {
        let mut functions: FxHashMap<(&str, &str), Vec<(&ObjectId, &Function)>> = FxHashMap::default();
        for (id, entry) in catalog.iter() {
            if let Object::Function(function) = &entry.object {
                functions.entry((&function.schema, &function.name)).or_default().push((id, function));
            }
        }
        let api = Api::new(catalog, around);
        let ways = Ways::new(&api, catalog);
        Self { catalog, around, rights: Rights::new(catalog), api, ways, views: RefCell::default(), functions }
    }

    /// What one request comes to.
    pub(crate) fn request(&self, request: &Request) -> Outcome {
        let mut found = Outcome::default();
        let schema = request.schema.as_ref().map_or("public", |schema| schema.text.as_str());
        if let Some(said) = &request.schema
            && !self.has_schema(schema)
        {
            let message = format!("there is no schema `{schema}`");
            let near = nearest(schema, self.catalog.iter().map(|(id, _)| id.schema.as_str()).filter(|s| !s.is_empty()));
            found.findings.push(unknown(said.span, message, near));
            return found;
        }
        if self.catalog.iter().any(|(id, _)| id.schema == schema) {
            found.needs.push(Need { what: What::Schema(schema.into()), span: request.name().span });
        }
        match &request.target {
            Target::Table(name) => self.of_table(request, schema, name, &mut found),
            Target::Function(name, arguments) => {
                self.of_function(request, schema, name, arguments.as_deref(), &mut found)
            }
        }
        found
    }

    fn has_schema(&self, name: &str) -> bool {
        let has = |catalog: &Catalog| {
            catalog.iter().any(|(id, _)| id.schema == name || id.kind == Kind::Schema && id.name == name)
        };
        name == "public" || has(self.catalog) || has(self.around)
    }

    /// The table or view of this name.
    pub(crate) fn relation(&self, name: &TableName) -> Option<Relation> {
        let relation = self.api.relation(name)?;
        Some(Relation::new(name, relation.kind == RelationKind::Table))
    }

    /// Says that there is no such table, unless the platform has it, which is not looked into.
    pub(crate) fn missing(&self, name: &TableName, at: Span, found: &mut Outcome) {
        if self.around.contains(&name.id()) {
            found.open.push((at, format!("`{}` belongs to the platform", shown(name))));
            return;
        }
        let relations = self.api.relations().iter().filter(|relation| relation.name.schema == name.schema);
        let near = nearest(&name.name, relations.map(|relation| relation.name.name.as_str()));
        let mut elsewhere = self.api.relations().iter().filter(|relation| relation.name.name == name.name);
        let message = format!("there is no table or view `{}`", shown(name));
        let finding = match (near, elsewhere.next()) {
            (None, Some(other)) => Diagnostic::new(codes::FLOW_UNKNOWN, at, message)
                .help(format!("it is in another schema: `.schema('{}')` before it", other.name.schema)),
            (near, _) => unknown(at, message, near),
        };
        found.findings.push(finding);
    }

    fn of_table(&self, request: &Request, schema: &str, name: &Piece, found: &mut Outcome) {
        let table = TableName::new(schema, name.text.clone());
        let Some(relation) = self.relation(&table) else { return self.missing(&table, name.span, found) };
        let rows = |command| Need { what: What::Rows(relation.clone(), command), span: name.span };
        let (commands, reads): (&[Command], bool) = match request.action {
            Action::Select => (&[], true),
            Action::Insert => (&[Command::Insert], false),
            Action::Update => (&[Command::Update], false),
            Action::Upsert if request.ignores => (&[Command::Insert], false),
            Action::Upsert => (&[Command::Insert, Command::Update], false),
            Action::Delete => (&[Command::Delete], false),
        };
        found.needs.extend(commands.iter().map(|command| rows(*command)));
        if reads || request.whole || request.select.is_some() || !request.filters.is_empty() {
            self.reads(&relation, name.span, found);
        }
        for column in &request.writes {
            self.written(&relation, column, commands, found);
        }
        if request.action == Action::Upsert {
            self.conflict(request, &relation, name, found);
        }
        let mut items = None;
        match &request.select {
            Some(text) => items = self.selected(&relation, text, found),
            None if request.whole => {
                items = Some(Vec::new());
                self.every_column(&relation, name.span, found);
            }
            // Filters of a delete or update can name its own columns only.
            None if !reads => items = Some(Vec::new()),
            None => {}
        }
        self.filters(request, Some(&relation), items.as_deref(), found);
    }

    fn columns(&self, relation: &Relation) -> impl Iterator<Item = &specc_types::Column> {
        self.api.relation(&relation.name).into_iter().flat_map(|relation| &relation.columns)
    }

    /// Rows that are read, with what a view reads for who asks.
    pub(crate) fn reads(&self, relation: &Relation, at: Span, found: &mut Outcome) {
        found.needs.push(Need { what: What::Rows(relation.clone(), Command::Select), span: at });
        let asked = self.through(&relation.name);
        for (name, column) in &asked.relations {
            if let Some(base) = self.relation(name) {
                found.needs.push(Need { what: What::Through(relation.shown(), base, column.clone()), span: at });
            }
        }
    }

    /// What a view asks of who reads it.
    fn through(&self, view: &TableName) -> Rc<Through> {
        let mut views = self.views.borrow_mut();
        views.entry(view.clone()).or_insert_with(|| Rc::new(self.api.through(view))).clone()
    }

    /// A column that is read.
    fn read(&self, relation: &Relation, name: &str, at: Span, found: &mut Outcome) {
        if self.columns(relation).next().is_none() {
            found.open.push((at, format!("the columns of `{}` are not known", relation.shown())));
        } else if self.columns(relation).any(|column| column.name == name) {
            found.needs.push(Need { what: What::Column(relation.clone(), name.into(), Command::Select), span: at });
        } else if let Some(function) = field(self.catalog, &relation.name, name) {
            found.needs.push(Need { what: What::Execute(vec![function]), span: at });
        } else {
            found.findings.push(self.no_column(relation, name, at));
        }
    }

    fn no_column(&self, relation: &Relation, name: &str, at: Span) -> Diagnostic {
        let near = nearest(name, self.columns(relation).map(|column| column.name.as_str()));
        unknown(at, format!("`{}` has no column `{name}`", relation.shown()), near)
    }

    /// A column that is given a value.
    fn written(&self, relation: &Relation, column: &Piece, commands: &[Command], found: &mut Outcome) {
        let name = &column.text;
        match self.columns(relation).find(|other| other.name == *name) {
            None if self.columns(relation).next().is_none() => {}
            None => found.findings.push(self.no_column(relation, name, column.span)),
            Some(known) if !known.written => {
                let message = format!("nobody can write `{}.{name}`: the database works it out", relation.shown());
                let finding = Diagnostic::new(codes::FLOW_UNCLEAR, column.span, message);
                found.findings.push(finding.help("leave it out"));
            }
            Some(_) => found.needs.extend(commands.iter().map(|command| Need {
                what: What::Column(relation.clone(), name.clone(), *command),
                span: column.span,
            })),
        }
    }

    /// The columns by which an upsert tells whether a row is there.
    fn conflict(&self, request: &Request, relation: &Relation, name: &Piece, found: &mut Outcome) {
        let key = self.ways.key(&relation.name);
        let (columns, at): (Vec<SmolStr>, Span) = match &request.on_conflict {
            Some(said) => (said.text.split(',').map(|name| name.trim().trim_matches('"').into()).collect(), said.span),
            None => (key.to_vec(), name.span),
        };
        for column in &columns {
            self.read(relation, column, at, found);
        }
        let same =
            |other: &[SmolStr]| other.len() == columns.len() && columns.iter().all(|column| other.contains(column));
        let unique = self.catalog.iter().any(|(_, entry)| match &entry.object {
            Object::Constraint(constraint) if constraint.table == relation.name => match &constraint.rule {
                Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => {
                    same(columns) && !constraint.deferrable
                }
                _ => false,
            },
            Object::Index(index) if index.table == relation.name && index.unique && index.filter.is_none() => {
                let names: Option<Vec<SmolStr>> = index.keys.iter().map(|key| key.column_name().cloned()).collect();
                names.is_some_and(|names| same(&names))
            }
            _ => false,
        });
        let known = columns.iter().all(|name| self.columns(relation).any(|column| column.name == *name));
        if known && !unique && relation.id.kind == Kind::Table {
            let message = match columns.len() {
                0 => format!("`{}` has no key by which an upsert knows a row", relation.shown()),
                _ => format!(
                    "nothing makes `{}` of `{}` unique, so an upsert knows no row by it",
                    columns.join(", "),
                    relation.shown()
                ),
            };
            let finding = Diagnostic::new(codes::FLOW_UNCLEAR, at, message);
            found.findings.push(finding.help("name the columns of a key or of a `unique` in `onConflict`"));
        }
    }

    fn every_column(&self, relation: &Relation, at: Span, found: &mut Outcome) {
        let names = match self.api.relation(&relation.name) {
            Some(relation) => relation.columns.iter().map(|column| column.name.clone()).collect(),
            None => Vec::new(),
        };
        found.needs.push(Need { what: What::All(relation.clone(), names), span: at });
    }

    /// Reads a `select`, and gives its relations for what refers to them.
    fn selected(&self, relation: &Relation, text: &Piece, found: &mut Outcome) -> Option<Vec<Embedded>> {
        match select(&text.text) {
            Ok(items) => Some(self.items(Some(relation), &items, text, found)),
            Err(wrong) => {
                let finding = Diagnostic::new(
                    codes::FLOW_UNCLEAR,
                    text.part(wrong.at.0, wrong.at.1),
                    "this is no list of columns",
                );
                found.findings.push(finding.label(wrong.message));
                None
            }
        }
    }

    fn items(&self, relation: Option<&Relation>, items: &[Item], text: &Piece, found: &mut Outcome) -> Vec<Embedded> {
        let mut embedded = Vec::new();
        for item in items {
            match (item, relation) {
                (Item::All(at), Some(relation)) => self.every_column(relation, text.part(at.0, at.1), found),
                // A list of one `count` is how rows were counted before `count()`.
                (Item::Column { name, .. }, Some(relation))
                    if name.text == "count" && !self.columns(relation).any(|c| c.name == "count") => {}
                (Item::Column { name, .. }, Some(relation)) => {
                    self.read(relation, &name.text, place(text, name), found)
                }
                (Item::Embed { alias, name, hint, items }, _) => {
                    let to = relation.and_then(|from| self.embedded(from, name, hint.as_ref(), text, found));
                    let inner = self.items(to.as_ref(), items, text, found);
                    embedded.push(Embedded {
                        name: alias.as_ref().unwrap_or(name).text.clone(),
                        second: name.text.clone(),
                        to,
                        inner,
                    });
                }
                _ => {}
            }
        }
        embedded
    }

    /// The relation that a name means in a list of columns.
    fn embedded(
        &self,
        from: &Relation,
        name: &Word,
        hint: Option<&Word>,
        text: &Piece,
        found: &mut Outcome,
    ) -> Option<Relation> {
        let ways = self.ways.find(&self.api, &from.name, &name.text, hint.map(|hint| hint.text.as_str()));
        let at = place(text, hint.unwrap_or(name));
        match &ways[..] {
            [way] => {
                let to = self.relation(&way.to)?;
                let mut joins = |relation: &Relation, columns: &[SmolStr]| {
                    self.reads(relation, at, found);
                    found.needs.extend(columns.iter().map(|column| Need {
                        what: What::Joined(relation.clone(), column.clone(), name.text.as_str().into()),
                        span: at,
                    }));
                };
                joins(from, &way.own);
                joins(&to, &way.theirs);
                if let Some((between, columns)) = &way.between
                    && let Some(between) = self.relation(between)
                {
                    joins(&between, columns);
                }
                Some(to)
            }
            [] => {
                let wanted = TableName::new(from.name.schema.clone(), name.text.as_str());
                let alone = self.ways.find(&self.api, &from.name, &name.text, None);
                let names = self.ways.names(&from.name);
                let (message, help) = if let (Some(hint), false) = (hint, alone.is_empty()) {
                    let all: Vec<String> = alone.iter().map(|way| format!("`{}`", written(way))).collect();
                    (
                        format!("no way from `{}` to `{}` is called `{}`", from.shown(), name.text, hint.text),
                        Some(format!("there is {}", all.join(", "))),
                    )
                } else if self.relation(&wanted).is_some() {
                    let message = format!("no reference leads from `{}` to `{}` or back", from.shown(), name.text);
                    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                    (message, (!list.is_empty()).then(|| format!("references lead to {}", list.join(", "))))
                } else {
                    let near = nearest(&name.text, names).map(|near| format!("did you mean `{near}`?"));
                    (
                        format!(
                            "there is no table, view or reference `{}` that can be read with `{}`",
                            name.text,
                            from.shown()
                        ),
                        near,
                    )
                };
                found.findings.push(Diagnostic::new(codes::FLOW_UNKNOWN, at, message).maybe_help(help));
                None
            }
            several => {
                let all: Vec<String> = several.iter().map(|way| format!("`{}`", written(way))).collect();
                let message =
                    format!("`{}` can be reached from `{}` in {} ways", name.text, from.shown(), several.len());
                let finding = Diagnostic::new(codes::FLOW_UNCLEAR, at, message);
                found.findings.push(finding.help(format!("say which one is meant: {}", all.join(" or "))));
                None
            }
        }
    }

    /// Conditions and orders, of the relation itself or of those that are read with it.
    fn filters(
        &self,
        request: &Request,
        relation: Option<&Relation>,
        embedded: Option<&[Embedded]>,
        found: &mut Outcome,
    ) {
        for filter in &request.filters {
            self.filter(filter, relation, embedded, found);
        }
        for (text, of) in &request.logic {
            let on = match of {
                Some(of) => self.path(&of.text, relation, embedded, of.span, found),
                None => relation.cloned(),
            };
            match (logic(&text.text), on) {
                (Ok(columns), Some(relation)) => {
                    for column in columns {
                        let is_embedded = embedded.is_some_and(|all| all.iter().any(|e| e.is(&column.text)));
                        if !is_embedded {
                            self.read(&relation, &column.text, place(text, &column), found);
                        }
                    }
                }
                (Ok(_), None) => {}
                (Err(wrong), _) => {
                    let at = text.part(wrong.at.0, wrong.at.1);
                    found
                        .findings
                        .push(Diagnostic::new(codes::FLOW_UNCLEAR, at, "this is no condition").label(wrong.message));
                }
            }
        }
    }

    fn filter(&self, filter: &Filter, relation: Option<&Relation>, embedded: Option<&[Embedded]>, found: &mut Outcome) {
        let text = &filter.column.text;
        let end = text.find("->").unwrap_or(text.len());
        let mut name = &text[..end];
        let mut on = match &filter.of {
            Some(of) => self.path(&of.text, relation, embedded, of.span, found),
            None => relation.cloned(),
        };
        let quoted = name.starts_with('"');
        if let Some((of, inner)) =
            name.strip_suffix(')').and_then(|name| name.split_once('(')).filter(|_| filter.orders)
        {
            on = self.path(of, relation, embedded, filter.column.span, found);
            name = inner;
        } else if let (false, Some((path, column))) = (quoted, name.rsplit_once('.')) {
            on = self.path(path, relation, embedded, filter.column.span, found);
            name = column;
        }
        let name = name.trim().trim_matches('"');
        let is_embedded = filter.of.is_none() && embedded.is_some_and(|all| all.iter().any(|e| e.is(name)));
        // What is selected is not known, and may have it.
        let may_be = embedded.is_none() && !self.ways_named(relation, name);
        if let (Some(relation), false) = (on, is_embedded && !may_be) {
            let start = text.rfind(name).unwrap_or(0);
            self.read(&relation, name, filter.column.part(start, start + name.len()), found);
        }
    }

    fn ways_named(&self, relation: Option<&Relation>, name: &str) -> bool {
        relation.is_none_or(|relation| !self.ways.names(&relation.name).contains(&name))
    }

    /// The relation at a path of embedded ones.
    fn path(
        &self,
        path: &str,
        relation: Option<&Relation>,
        embedded: Option<&[Embedded]>,
        at: Span,
        found: &mut Outcome,
    ) -> Option<Relation> {
        let (mut list, mut last) = (embedded?, None);
        for part in path.split('.') {
            let Some(next) = list.iter().find(|e| e.is(part)) else {
                let near = nearest(part, list.iter().map(|e| e.name.as_str()));
                let of = relation.map(|relation| format!(" with `{}`", relation.shown())).unwrap_or_default();
                let message = format!("`{part}` is not among the relations that are read{of}");
                let help = near.map_or_else(
                    || format!("add it to what is selected: `{part}!inner(…)`"),
                    |near| format!("did you mean `{near}`?"),
                );
                found.findings.push(Diagnostic::new(codes::FLOW_UNCLEAR, at, message).help(help));
                return None;
            };
            last = next.to.clone();
            list = &next.inner;
        }
        last
    }

    fn of_function(
        &self,
        request: &Request,
        schema: &str,
        name: &Piece,
        arguments: Option<&[Piece]>,
        found: &mut Outcome,
    ) {
        let callable = |function: &Function| !matches!(&function.returns, Some(Returns::Type(ty)) if ty.schema.is_empty() && matches!(&*ty.name, "trigger" | "event_trigger"));
        let all = self.functions.get(&(schema, name.text.as_str())).map(Vec::as_slice).unwrap_or_default();
        let all: Vec<_> = all.iter().filter(|(_, function)| callable(function)).collect();
        if all.is_empty() {
            let others = self
                .functions
                .iter()
                .filter(|((other, _), all)| *other == schema && all.iter().any(|(_, f)| callable(f)));
            let mut names: Vec<&str> = others.map(|((_, name), _)| *name).collect();
            names.sort_unstable();
            let message = format!("there is no function `{}`", shown(&TableName::new(schema, name.text.clone())));
            found.findings.push(unknown(name.span, message, nearest(&name.text, names)));
            return;
        }
        let fits = |function: &Function| arguments.is_none_or(|given| fits(function, given));
        let chosen: Vec<_> = all.iter().filter(|(_, function)| fits(function)).collect();
        if chosen.is_empty() {
            found.findings.push(no_arguments(
                name,
                arguments.unwrap_or_default(),
                &all.iter().map(|(_, f)| *f).collect::<Vec<_>>(),
            ));
            return;
        }
        found
            .needs
            .push(Need { what: What::Execute(chosen.iter().map(|(id, _)| (*id).clone()).collect()), span: name.span });
        // What comes back is known where there is one such function; nothing more is needed to read it.
        let [(_, function)] = &chosen[..] else { return };
        let (Some(Returns::Type(ty) | Returns::SetOf(ty)), false) = (&function.returns, request.whole) else { return };
        let Some(relation) = self.relation(&TableName::new(&*ty.schema, &*ty.name)).filter(|_| ty.dims == 0) else {
            return;
        };
        let mut inner = Outcome::default();
        let items = request.select.as_ref().map_or(Some(Vec::new()), |text| self.selected(&relation, text, &mut inner));
        self.filters(request, Some(&relation), items.as_deref(), &mut inner);
        let own = |need: &Need| match &need.what {
            What::Column(of, ..) | What::All(of, _) | What::Joined(of, ..) | What::Rows(of, _) => {
                of.name != relation.name
            }
            What::Schema(_) | What::Execute(_) | What::Through(..) => true,
        };
        inner.needs.retain(own);
        found.findings.append(&mut inner.findings);
        found.needs.append(&mut inner.needs);
        found.open.append(&mut inner.open);
    }
}

/// A relation that is read with another.
#[derive(Clone, Debug)]
struct Embedded {
    name: String,
    second: String,
    to: Option<Relation>,
    inner: Vec<Embedded>,
}

impl Embedded {
    /// Whether a filter means it.
    fn is(&self, name: &str) -> bool {
        self.name == name || self.second == name
    }
}

/// Says that something is not there.
pub(crate) fn unknown(at: Span, message: String, near: Option<&str>) -> Diagnostic {
    let help = near.map(|near| format!("did you mean `{near}`?"));
    Diagnostic::new(codes::FLOW_UNKNOWN, at, message).maybe_help(help)
}

/// Whether the API takes a function for these arguments.
fn fits(function: &Function, given: &[Piece]) -> bool {
    let inputs: Vec<_> = function.params.iter().filter(|param| param.mode != "out").collect();
    if let [only] = &inputs[..]
        && only.name.is_empty()
    {
        return true;
    }
    let has = |name: &SmolStr| inputs.iter().any(|param| param.name == *name);
    let needed = |name: &SmolStr| given.iter().any(|given| given.text == *name);
    given.iter().all(|given| has(&given.text))
        && inputs.iter().all(|param| param.default.is_some() || param.mode == "variadic" || needed(&param.name))
}

fn no_arguments(name: &Piece, given: &[Piece], all: &[&Function]) -> Diagnostic {
    let signature = |function: &&Function| {
        let inputs = function.params.iter().filter(|param| param.mode != "out");
        let one = |param: &specc_catalog::Param| {
            let optional = if param.default.is_some() { "?" } else { "" };
            format!("{}{optional}: {}", param.name, param.ty)
        };
        format!("`{}({})`", function.name, inputs.map(one).collect::<Vec<_>>().join(", "))
    };
    let help = format!("it is {}", all.iter().map(signature).collect::<Vec<_>>().join(" or "));
    if let [function] = all {
        let inputs: Vec<_> = function.params.iter().filter(|param| param.mode != "out").collect();
        if let Some(odd) = given.iter().find(|given| inputs.iter().all(|param| param.name != given.text)) {
            let message = format!("`{}` has no argument `{}`", function.name, odd.text);
            return Diagnostic::new(codes::FLOW_UNKNOWN, odd.span, message).help(help);
        }
        let lacks =
            inputs.iter().find(|param| param.default.is_none() && given.iter().all(|given| given.text != param.name));
        if let Some(lacks) = lacks {
            let message = format!("`{}` needs the argument `{}`", function.name, lacks.name);
            return Diagnostic::new(codes::FLOW_UNKNOWN, name.span, message).help(help);
        }
    }
    let message = format!("there is no function `{}` with these arguments", name.text);
    Diagnostic::new(codes::FLOW_UNKNOWN, name.span, message).help(help)
}

//! A catalog as what SQL is resolved against, and the texts of its objects.

use crate::environment::{Column, Environment, Lookup, Parameter, Relation, Routine};
use crate::plpgsql::{Body as Text, Gives, Language, Rows, body};
use crate::walk::{Row, expression, query, value, words};
use crate::{Analysis, Carried, Reference, Target};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{
    Body, Catalog, DataType, Function, IdRef, IndexKey, KeyOn, Kind, Object, ObjectId, Qualified, Returns, Rule,
    SqlExpr, TableName,
};
use specc_split::Lexer;
use std::cell::{OnceCell, RefCell};

/// The part of the id of a text search configuration.
const CONFIGURATION: &str = "text search configuration";

/// What a catalog has, to resolve texts of SQL in it. Nothing is ever missing: a platform may have more.
#[derive(Debug)]
pub struct Known<'c> {
    catalog: &'c Catalog,
    path: [SmolStr; 2],
    functions: OnceCell<FxHashMap<&'c str, Vec<Named<'c>>>>,
    /// What blocks of SQL make that is no function and has no part, by schema and name.
    provided: OnceCell<FxHashMap<(&'c str, &'c str), &'c ObjectId>>,
    /// The text search configurations among that.
    configurations: OnceCell<FxHashMap<(&'c str, &'c str), &'c ObjectId>>,
    /// Columns of views, as far as they were asked for; none while a view is looked at.
    views: RefCell<FxHashMap<TableName, Option<Vec<Column>>>>,
}

/// A function of the catalog, or one that a block of SQL makes.
#[derive(Debug)]
enum Named<'c> {
    Function(&'c Function),
    Provided(&'c str),
}

impl<'c> Known<'c> {
    /// Of this catalog.
    pub fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            path: ["public".into(), "extensions".into()],
            functions: OnceCell::new(),
            provided: OnceCell::new(),
            configurations: OnceCell::new(),
            views: RefCell::default(),
        }
    }

    /// Resolves an expression over a row of a table, which may also be called `new` and `old`.
    pub fn of_table(&self, table: &TableName, text: &str) -> Analysis {
        let relation = Qualified::new(table.schema.clone(), table.name.clone());
        let row = |name: &str| Row { name: name.into(), relation: relation.clone(), named_only: !name.is_empty() };
        expression(self, text, &[row(""), row("new"), row("old")])
    }

    /// Resolves the default of a column.
    pub fn of_default(&self, table: &TableName, ty: &DataType, text: &str) -> Analysis {
        let row =
            Row { name: SmolStr::default(), relation: Qualified::new(&*table.schema, &*table.name), named_only: false };
        value(self, text, &[row], ty)
    }

    /// Resolves a value of a type.
    pub fn of_value(&self, ty: &DataType, text: &str) -> Analysis {
        value(self, text, &[], ty)
    }

    /// Resolves an expression that is about no row.
    pub fn of_nothing(&self, text: &str) -> Analysis {
        expression(self, text, &[])
    }

    /// Resolves a query.
    pub fn of_query(&self, text: &str) -> Analysis {
        query(self, text)
    }

    /// Resolves the body of a function in SQL or PL/pgSQL; `None` for another language.
    pub fn of_body(&self, function: &Function) -> Option<Analysis> {
        self.body_over(function, &[], None)
    }

    /// The relations whose order of columns decides which value goes where when a function runs, each with the text that goes by
    /// it. `triggers` are the tables and views whose triggers run it.
    pub fn by_order(&self, function: &Function, triggers: &[Qualified]) -> Vec<(Qualified, String)> {
        let returns = match &function.returns {
            Some(Returns::Type(ty) | Returns::SetOf(ty)) => {
                Some(ty.clone()).filter(|ty| !is_pseudo(ty) && ty.dims == 0)
            }
            _ => None,
        };
        // `return next` gives rows one by one.
        let value = returns.clone().filter(|_| matches!(function.returns, Some(Returns::Type(_))));
        let Some(found) = self.body_over(function, triggers, value) else { return Vec::new() };
        let text = function.body.text();
        let mut all: Vec<(Qualified, String)> = Vec::new();
        for given in found.given.iter().filter(|_| function.returns.is_some()) {
            let is_value = |columns: &[(SmolStr, Option<DataType>)]| match columns {
                [(_, Some(ty))] => {
                    returns.as_ref().is_some_and(|own| (&own.schema, &own.name) == (&ty.schema, &ty.name))
                }
                columns => columns.is_empty(),
            };
            let is_row = given.columns.as_deref().is_some_and(|columns| !is_value(columns));
            let own = returns.as_ref().filter(|_| is_row).map(|ty| Qualified::new(&*ty.schema, &*ty.name));
            let own = own.filter(|own| self.fields(&own.schema, &own.name).is_some());
            let written = text.get(given.start..given.end).unwrap_or_default();
            all.extend(given.stars.ordered(own.as_ref()).map(|relation| (relation.clone(), written.to_owned())));
        }
        for ((start, end), relation) in found.by_order {
            all.push((relation, text.get(start..end).unwrap_or_default().to_owned()));
        }
        all
    }

    fn body_over(&self, function: &Function, triggers: &[Qualified], returns: Option<DataType>) -> Option<Analysis> {
        let (text, language) = match (&function.body, function.language.as_str()) {
            (Body::Atomic(text), _) | (Body::Text(text) | Body::Exact(text), "sql") => (text, Language::Sql),
            (Body::Text(text) | Body::Exact(text), "plpgsql") => (text, Language::Plpgsql),
            _ => return None,
        };
        let path = function.settings.iter().find(|(name, _)| name == "search_path").map(|(_, value)| {
            let names = specc_facts::listed_names(value).into_iter();
            names.filter(|name| !name.is_empty() && !name.starts_with("pg_")).map(SmolStr::new).collect()
        });
        let is_trigger = matches!(&function.returns, Some(Returns::Type(ty)) if ty.name == "trigger");
        Some(body(
            self,
            &Text {
                text,
                language,
                name: function.name.clone(),
                params: parameters(function),
                path,
                trigger: is_trigger.then(|| Rows { relations: triggers.to_vec(), ..Rows::default() }),
                returns,
                gives: Gives::Unknown,
            },
        ))
    }

    /// Resolves each text of an object.
    pub fn each(&self, object: &Object, look: &mut dyn FnMut(&str, Analysis)) {
        let mut over = |table: &TableName, expr: &SqlExpr| look(&expr.text, self.of_table(table, &expr.text));
        let keys = |table: &TableName, keys: &[IndexKey], over: &mut dyn FnMut(&TableName, &SqlExpr)| {
            for key in keys {
                if let KeyOn::Expr(expr) = &key.on {
                    over(table, expr);
                }
            }
        };
        match object {
            Object::Table(o) => {
                for column in &o.columns {
                    column.generated.iter().for_each(|expr| over(&o.table, expr));
                }
                if let Some(by) = &o.partition_by {
                    keys(&o.table, &by.keys, &mut over);
                }
                for column in &o.columns {
                    if let Some(default) = &column.default {
                        look(&default.text, self.of_default(&o.table, &column.ty, &default.text));
                    }
                }
            }
            Object::Constraint(o) => match &o.rule {
                Rule::Check { expr, .. } => over(&o.table, expr),
                Rule::Exclude { elements, filter, .. } => {
                    for (key, _) in elements {
                        keys(&o.table, std::slice::from_ref(key), &mut over);
                    }
                    filter.iter().for_each(|expr| over(&o.table, expr));
                }
                _ => {}
            },
            Object::Index(o) => {
                keys(&o.table, &o.keys, &mut over);
                o.filter.iter().for_each(|expr| over(&o.table, expr));
            }
            Object::Policy(o) => o.using.iter().chain(&o.check).for_each(|expr| over(&o.table, expr)),
            Object::Trigger(o) => o.when.iter().for_each(|expr| over(&o.table, expr)),
            Object::PublicationTable(o) => o.filter.iter().for_each(|expr| over(&o.table, expr)),
            Object::Domain(o) => {
                o.default.iter().for_each(|expr| look(&expr.text, self.of_value(&o.base, &expr.text)));
                o.checks.iter().for_each(|(_, expr)| look(&expr.text, self.of_nothing(&expr.text)));
            }
            Object::View(o) => look(&o.query, self.of_query(&o.query)),
            Object::Sql(o) => look(&o.up, words(self, &o.up)),
            Object::Function(o) => {
                let defaults = o.params.iter().filter_map(|param| Some((&param.ty, param.default.as_ref()?)));
                defaults.for_each(|(ty, expr)| look(&expr.text, self.of_value(ty, &expr.text)));
                if let Some(found) = self.of_body(o) {
                    let text = o.body.text();
                    look(text, found);
                }
            }
            _ => {}
        }
    }

    /// Whether an object's text reads a column of a table.
    pub fn reads_column(&self, object: &Object, table: &TableName, column: &str) -> bool {
        let is = |target: &Target| match target {
            Target::Column(of, name) => name == column && of.name == table.name && of.schema == table.schema,
            Target::Columns(of) => of.name == table.name && of.schema == table.schema,
            _ => false,
        };
        self.any(object, &is)
    }

    /// Whether a text of an object has a reference of this kind.
    pub fn any(&self, object: &Object, is: &dyn Fn(&Target) -> bool) -> bool {
        let mut found = false;
        self.each(object, &mut |_, analysis| {
            found |= analysis.references.iter().any(|reference| is(&reference.target));
        });
        found
    }

    /// Whether Postgres keeps, with an object's text, what a thing of this kind was called when it was read. A view has names
    /// of its own for the columns of its query, and what a policy calls the value of a call is not looked at.
    pub fn carries(&self, object: &Object, is: &dyn Fn(&Target) -> bool) -> bool {
        let counts = |place: Carried| match object {
            Object::Function(_) => true,
            Object::Policy(_) => place == Carried::Inner,
            _ => place != Carried::Outermost,
        };
        let mut found = false;
        self.each(object, &mut |_, analysis| {
            found |= analysis.carried.iter().any(|(target, place)| counts(*place) && is(target));
        });
        found
    }

    /// Whether an object's text asks for whatever columns there are.
    pub fn has_star(&self, object: &Object) -> bool {
        let mut found = false;
        self.each(object, &mut |text, analysis| {
            found |= analysis.references.iter().any(|reference| &text[reference.start..reference.end] == "*");
        });
        found
    }

    /// The types of the columns by which a table is divided; none for an expression.
    pub fn partition_types(&self, name: &TableName) -> Vec<Option<DataType>> {
        let entry = self.catalog.find(IdRef::table(name)).and_then(|at| self.catalog.at(at));
        let Some(Object::Table(table)) = entry.map(|(_, entry)| &entry.object) else { return Vec::new() };
        let of = |key: &IndexKey| match &key.on {
            KeyOn::Column(column) => table.columns.iter().find(|c| c.name == *column).map(|c| c.ty.clone()),
            KeyOn::Expr(_) => None,
        };
        table.partition_by.iter().flat_map(|by| by.keys.iter().map(of)).collect()
    }

    fn table(&self, name: &TableName) -> Option<Vec<Column>> {
        let at = self.catalog.find(IdRef::table(name))?;
        let Some(Object::Table(table)) = self.catalog.at(at).map(|(_, entry)| &entry.object) else { return None };
        match &table.partition_of {
            Some((parent, _)) if table.columns.is_empty() && parent != name => self.table(parent),
            _ => {
                let column = |c: &specc_catalog::Column| Column { name: c.name.clone(), ty: Some(c.ty.clone()) };
                Some(table.columns.iter().map(column).collect())
            }
        }
    }

    fn view(&self, name: &TableName) -> Option<Option<Vec<Column>>> {
        if let Some(known) = self.views.borrow().get(name) {
            return Some(known.clone());
        }
        let at = self.catalog.find(IdRef::new(Kind::View, &name.schema, &name.name))?;
        let Some(Object::View(view)) = self.catalog.at(at).map(|(_, entry)| &entry.object) else { return None };
        self.views.borrow_mut().insert(name.clone(), None);
        let columns = self.of_query(&view.query).columns.map(|columns| {
            let names = view.columns.iter().map(Some).chain(std::iter::repeat(None));
            let column = |((name, ty), own): ((SmolStr, Option<DataType>), Option<&SmolStr>)| Column {
                name: own.cloned().unwrap_or(name),
                ty,
            };
            columns.into_iter().zip(names).map(column).collect::<Vec<_>>()
        });
        self.views.borrow_mut().insert(name.clone(), columns.clone());
        Some(columns)
    }

    /// The type of a column of a table.
    pub fn column_type(&self, table: &TableName, column: &str) -> Option<DataType> {
        self.table(table)?.into_iter().find(|own| own.name == column)?.ty
    }

    /// The columns of a table that an expression over it reads, sorted.
    pub fn own_columns(&self, table: &TableName, text: &str) -> Vec<SmolStr> {
        let is_own = |of: &Qualified| of.name == table.name && of.schema == table.schema;
        let own = self.of_table(table, text).references.into_iter().filter_map(|reference| match reference.target {
            Target::Column(of, name) if is_own(&of) => Some(name),
            _ => None,
        });
        let mut own: Vec<SmolStr> = own.collect();
        own.sort_unstable();
        own.dedup();
        own
    }

    /// The object of the catalog that a reference is to, or that a block of SQL makes.
    pub fn id(&self, target: &Target) -> Option<ObjectId> {
        let find = |kinds: &[Kind], name: &Qualified| {
            let ids = kinds.iter().map(|kind| IdRef::new(*kind, &name.schema, &name.name));
            let own = ids.into_iter().find(|id| self.catalog.find(*id).is_some()).map(IdRef::to_id);
            own.or_else(|| self.provided(&name.schema, &name.name).cloned())
        };
        match target {
            Target::Relation(name) | Target::Column(name, _) | Target::Columns(name) => {
                find(&[Kind::Table, Kind::View, Kind::Sequence, Kind::Composite], name)
            }
            Target::Type(name) | Target::Label(name, _) => {
                find(&[Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View], name)
            }
            Target::Function(name, signature) => {
                let id = ObjectId::new(Kind::Function, name.schema.clone(), name.name.clone());
                let id = id.part(signature.clone());
                if self.catalog.contains(&id) {
                    return Some(id);
                }
                let same =
                    |id: &&ObjectId| id.kind == Kind::Function && id.schema == name.schema && id.name == name.name;
                self.made().find(same).cloned()
            }
            Target::Configuration(name) => self.configured(name).cloned(),
            Target::Collation(_) => None,
        }
    }

    /// The text search configuration of this name that a block of SQL makes.
    fn configured(&self, name: &Qualified) -> Option<&'c ObjectId> {
        let all = self.configurations.get_or_init(|| {
            let all = self.made().filter(|id| id.part == CONFIGURATION);
            all.map(|id| ((id.schema.as_str(), id.name.as_str()), id)).collect()
        });
        all.get(&(&*name.schema, &*name.name)).copied()
    }

    /// All that blocks of SQL make.
    fn made(&self) -> impl Iterator<Item = &'c ObjectId> + use<'c> {
        let blocks = self.catalog.iter().filter_map(|(_, entry)| match &entry.object {
            Object::Sql(o) => Some(&o.provides),
            _ => None,
        });
        blocks.flatten()
    }

    fn provided(&self, schema: &str, name: &str) -> Option<&'c ObjectId> {
        let all = self.provided.get_or_init(|| {
            // What has a part is looked up as something else.
            let others = self.made().filter(|id| id.kind != Kind::Function && id.part.is_empty());
            others.map(|id| ((id.schema.as_str(), id.name.as_str()), id)).collect()
        });
        all.get(&(schema, name)).copied()
    }

    fn named(&self, name: &str) -> &[Named<'c>] {
        let all = self.functions.get_or_init(|| {
            let mut all: FxHashMap<&str, Vec<Named<'_>>> = FxHashMap::default();
            for (_, entry) in self.catalog.iter() {
                match &entry.object {
                    Object::Function(o) => all.entry(&o.name).or_default().push(Named::Function(o)),
                    Object::Sql(o) => {
                        for id in o.provides.iter().filter(|id| id.kind == Kind::Function) {
                            all.entry(&id.name).or_default().push(Named::Provided(&id.schema));
                        }
                    }
                    _ => {}
                }
            }
            all
        });
        all.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The parameters of a function, with the columns of `returns table` among them.
fn parameters(function: &Function) -> Vec<Parameter> {
    let params = function.params.iter().map(|p| Parameter {
        name: p.name.clone(),
        ty: Some(p.ty.clone()).filter(|ty| !is_pseudo(ty)),
        any: SmolStr::default(),
        mode: p.mode.clone(),
        default: p.default.is_some(),
    });
    let mut all: Vec<Parameter> = params.collect();
    if let Some(Returns::Table(columns)) = &function.returns {
        all.extend(columns.iter().map(|(name, ty)| Parameter {
            name: name.clone(),
            ty: Some(ty.clone()),
            any: SmolStr::default(),
            mode: "out".into(),
            default: false,
        }));
    }
    all
}

/// Whether it stands for types that are known at the call only (`anyelement`, `record`).
pub fn is_pseudo(ty: &DataType) -> bool {
    ty.schema.is_empty() && specc_facts::is_pseudo_type(&ty.name)
}

impl Environment for Known<'_> {
    fn path(&self) -> &[SmolStr] {
        &self.path
    }

    fn relation(&self, schema: &str, name: &str) -> Lookup<Relation> {
        let table = TableName::new(schema, name);
        let found = |columns: Option<Vec<Column>>| {
            let complete = columns.is_some();
            let columns = columns.unwrap_or_default();
            Lookup::Found(Relation { name: Qualified::new(schema, name), columns, complete, key: Vec::new() })
        };
        if let Some(columns) = self.table(&table) {
            return found(Some(columns));
        }
        if let Some(columns) = self.view(&table) {
            return found(columns);
        }
        let is_there = self.catalog.find(IdRef::new(Kind::Sequence, schema, name)).is_some();
        if is_there || self.provided(schema, name).is_some() { found(None) } else { Lookup::Unknown }
    }

    fn functions(&self, schema: &str, name: &str) -> Lookup<Vec<Routine>> {
        let mut all = Vec::new();
        for named in self.named(name) {
            match named {
                Named::Function(function) if function.schema == schema => {
                    let params = parameters(function);
                    let is_out = |p: &&Parameter| matches!(&*p.mode, "out" | "inout");
                    let outs = params.iter().filter(is_out);
                    let columns: Vec<Column> =
                        outs.map(|p| Column { name: p.name.clone(), ty: p.ty.clone() }).collect();
                    let returns = match &function.returns {
                        Some(Returns::Type(ty) | Returns::SetOf(ty)) => Some(ty.clone()).filter(|ty| !is_pseudo(ty)),
                        _ => None,
                    };
                    all.push(Routine {
                        name: Qualified::new(schema, name),
                        signature: function.signature(),
                        pseudo: SmolStr::default(),
                        opaque: returns.is_none() && columns.is_empty(),
                        columns: if columns.iter().all(|c| !c.name.is_empty()) { columns } else { Vec::new() },
                        set: matches!(function.returns, Some(Returns::SetOf(_) | Returns::Table(_))),
                        params,
                        returns,
                        procedure: Some(function.procedure),
                    });
                }
                Named::Provided(home) if *home == schema => {
                    all.push(Routine::any(Qualified::new(schema, name)));
                }
                _ => {}
            }
        }
        if all.is_empty() { Lookup::Unknown } else { Lookup::Found(all) }
    }

    fn data_type(&self, schema: &str, name: &str) -> Lookup<DataType> {
        if schema == "pg_catalog" {
            return specc_facts::canonical_type(name).map(DataType::builtin).map_or(Lookup::Unknown, Lookup::Found);
        }
        const TYPES: [Kind; 5] = [Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View];
        let is_there = |kind: &Kind| self.catalog.find(IdRef::new(*kind, schema, name)).is_some();
        if TYPES.iter().any(is_there) || self.provided(schema, name).is_some() {
            return Lookup::Found(DataType { schema: schema.into(), ..DataType::builtin(name) });
        }
        Lookup::Unknown
    }

    fn configuration(&self, schema: &str, name: &str) -> Lookup<Qualified> {
        let name = Qualified::new(schema, name);
        if self.configured(&name).is_some() { Lookup::Found(name) } else { Lookup::Unknown }
    }

    fn is_index(&self, _: &str) -> bool {
        true
    }

    fn labels(&self, schema: &str, name: &str) -> Option<Vec<SmolStr>> {
        let at = self.catalog.find(IdRef::new(Kind::Enum, schema, name))?;
        match self.catalog.at(at).map(|(_, entry)| &entry.object) {
            Some(Object::Enum(o)) => Some(o.labels.clone()),
            _ => None,
        }
    }

    fn fields(&self, schema: &str, name: &str) -> Option<Vec<Column>> {
        if let Some(at) = self.catalog.find(IdRef::new(Kind::Composite, schema, name))
            && let Some(Object::Composite(o)) = self.catalog.at(at).map(|(_, entry)| &entry.object)
        {
            let fields = o.fields.iter();
            return Some(fields.map(|(name, ty, _)| Column { name: name.clone(), ty: Some(ty.clone()) }).collect());
        }
        let table = TableName::new(schema, name);
        self.table(&table).or_else(|| self.view(&table).flatten())
    }

    fn elsewhere(&self, _: &str) -> Vec<SmolStr> {
        Vec::new()
    }

    fn similar(&self, _: &str, _: bool) -> Option<SmolStr> {
        None
    }
}

/// A new name for what a reference is to, with its schema.
pub type NewName = (SmolStr, SmolStr);

/// How a new name is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    /// Where it has to be, as in the expressions that specc prints.
    Needed,
    /// Also where the old name was, as in the texts of authors.
    Kept,
}

/// `text` with other names for what its references are to; a label's or a column's schema does not count.
pub fn rewritten(
    text: &str,
    references: &[Reference],
    quotes: Quotes,
    new: &dyn Fn(&Target) -> Option<NewName>,
) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for reference in references {
        if reference.start < copied {
            continue;
        }
        let Some((schema, name)) = new(&reference.target) else { continue };
        out.push_str(&text[copied..reference.start]);
        let written = &text[reference.start..reference.end];
        if let Target::Label(..) = reference.target {
            out.push_str(&format!("'{}'", name.replace('\'', "''")));
        } else {
            let tokens: Vec<_> = Lexer::new(written).map_while(Result::ok).collect();
            let quoted = |at: usize| quotes == Quotes::Kept && written[tokens[at].start..].starts_with('"');
            if let [_, _, _] = tokens[..] {
                push_name(&mut out, &schema, quoted(0));
                out.push('.');
            }
            push_name(&mut out, &name, quoted(tokens.len() - 1));
        }
        copied = reference.end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// Quoted where it was quoted, or has to be.
fn push_name(out: &mut String, name: &str, quoted: bool) {
    if quoted || specc_facts::needs_quotes(name) {
        out.push('"');
        out.push_str(&name.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(name);
    }
}

//! Formulas of the spec to SQL: rows addressed, `viewer`, claims, paths, predicates and `exists path (…)` replaced.
//!
//! [`lower`] serves checks, defaults, indexes and triggers. Policies need other shapes for what reads other tables; they
//! use the same [`Folder`] below the level at which the shape is decided (see `access`).

mod frame;
mod paths;

pub(crate) use frame::{Frame, Place, RowRef};
pub(crate) use paths::{Between, Chain};

use crate::structure::depends::session_schema;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::SqlExpr;
use specc_diag::{Diagnostic, Span, codes};
use specc_model::formula::{AsIs, Formula, Level, Names, Node, Row, Sql, print, print_open};
use specc_model::scope::{PathStep, Scope};
use specc_model::{EntityId, Expr, FieldIx, Model, Object, PredicateId, Qualified};
use specc_sql::quote;

/// The SQL of `expr` in `scope`; `rows` says for each row of the scope how its columns are written. Relation paths become
/// scalar subqueries and `exists path (…)` becomes a correlated `exists (select …)`.
pub fn lower(model: &Model, scope: &Scope, rows: &[RowRef], expr: &Expr) -> SqlExpr {
    lower_formula(model, scope, rows, &expr.formula)
}

/// The same for a part of an expression.
pub fn lower_formula(model: &Model, scope: &Scope, rows: &[RowRef], formula: &Formula) -> SqlExpr {
    let mut folder = Folder::new(model, Frame::of(scope, rows));
    let text = folder.text(formula);
    SqlExpr { text: text.into(), columns: folder.columns() }
}

/// The SQL of a condition over a row of an entity that a query calls `alias`, for whoever runs it: nothing stands in a helper.
pub fn of_row(model: &Model, entity: EntityId, alias: &str, formula: &Formula) -> String {
    read_of_row(model, entity, alias, formula).text.to_string()
}

/// The same, with the columns of the row that it reads.
pub fn read_of_row(model: &Model, entity: EntityId, alias: &str, formula: &Formula) -> SqlExpr {
    lower_formula(model, &Scope::of(entity), &[RowRef::Prefixed(alias.into())], formula)
}

/// That a plain query in `what` takes `name` from a row outside it: the one that `what` is about (`own`), or another.
pub(crate) fn captured(name: &str, what: &str, own: bool, span: Span) -> Diagnostic {
    let hidden = if own { "the row that it is about" } else { "the row outside it that is called so too" };
    let message = format!("the query in {what} reads `{name}`, which hides {hidden}");
    Diagnostic::new(codes::AMBIGUOUS, span, message).help("give the table another name in the query: `from … as other`")
}

/// The SQL of a name in a schema.
pub fn qualified(name: &Qualified) -> String {
    quote::qualified(&name.schema, &name.name)
}

/// The SQL of a field's name.
pub fn column(model: &Model, entity: EntityId, field: FieldIx) -> String {
    quote::ident(&model.entity(entity).fields[field].name).into_owned()
}

/// Writes the SQL of formulas over the rows of one frame, and notes what it met.
pub(crate) struct Folder<'m> {
    pub model: &'m Model,
    pub frame: Frame,
    /// Session values stand in scalar subqueries, so that they are read once for each statement (policies, helpers).
    pub wrap: bool,
    /// What is written is read under a search path without extensions (bodies of functions).
    pub fixed: bool,
    /// Names are looked up as whoever writes (bodies that are text and run with the caller's rights): she may use no schema of
    /// helpers.
    pub looked_up: bool,
    /// Columns of the row at hand that were read.
    own: Vec<(EntityId, FieldIx)>,
    /// Its columns as the parameters of a helper, in the order of their numbers; none for the row as a whole.
    pub params: Vec<Option<FieldIx>>,
    /// Fields of the viewer's row that were read.
    pub viewer_fields: Vec<FieldIx>,
    /// Functions of the spec that were called.
    pub functions: Vec<usize>,
    /// Entities that plain SQL subqueries read, with the rights of who asks.
    pub reads: Vec<EntityId>,
    /// `viewer` or a claim was read.
    pub session: Session,
    /// Columns of rows of the scope that were read without following a relation.
    pub direct: Vec<(EntityId, FieldIx)>,
    /// Relations that were followed from rows of the scope.
    pub paths: Vec<Vec<PathStep>>,
    /// Every relation that was followed.
    pub followed: Vec<PathStep>,
    /// Columns that were read of rows with an alias.
    pub aliased: Vec<(SmolStr, FieldIx)>,
    /// The name by which a row would be addressed, where a table of plain SQL in between has it too.
    pub captured: Option<SmolStr>,
    aliases: FxHashSet<SmolStr>,
    /// The last number behind a name that several tables wish for.
    numbers: FxHashMap<SmolStr, usize>,
    /// Names of tables in the plain SQL around the name at hand, the innermost last.
    queries: Vec<Vec<SmolStr>>,
    /// How many of them stand where the argument of a predicate was written, which is written out further inside.
    written: Option<usize>,
    /// Subqueries around it.
    inside: usize,
}

/// Which session functions were called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    pub viewer: bool,
    /// A field of the viewer's row.
    pub field: bool,
    pub claims: bool,
}

impl Session {
    /// Whether the answer depends on who is asking.
    pub fn any(self) -> bool {
        self.viewer || self.field || self.claims
    }
}

impl<'m> Folder<'m> {
    pub fn new(model: &'m Model, frame: Frame) -> Self {
        let aliases = frame.names(model).into_iter().collect();
        Self {
            model,
            frame,
            wrap: false,
            fixed: false,
            looked_up: false,
            own: Vec::new(),
            params: Vec::new(),
            viewer_fields: Vec::new(),
            functions: Vec::new(),
            reads: Vec::new(),
            session: Session::default(),
            direct: Vec::new(),
            paths: Vec::new(),
            followed: Vec::new(),
            aliased: Vec::new(),
            captured: None,
            aliases,
            numbers: FxHashMap::default(),
            queries: Vec::new(),
            written: None,
            inside: 0,
        }
    }

    /// The SQL of `formula`.
    pub fn text(&mut self, formula: &Formula) -> String {
        print(formula, self)
    }

    /// The SQL of `formula` as an operand of `and`.
    pub fn operand(&mut self, formula: &Formula) -> String {
        specc_model::formula::print_as(formula, Level::AND, self)
    }

    /// The SQL of `formula`, and how tightly it holds together.
    pub fn open(&mut self, formula: &Formula) -> (String, Level) {
        print_open(formula, self)
    }

    /// Names of the columns of the row at hand that were read, sorted.
    pub fn columns(&self) -> Vec<SmolStr> {
        let name = |(entity, field): &(EntityId, FieldIx)| self.model.entity(*entity).fields[*field].name.clone();
        let mut names: Vec<_> = self.own.iter().map(name).collect();
        names.sort();
        names.dedup();
        names
    }

    /// An alias near `wish` that no other table of this expression has.
    pub fn alias(&mut self, wish: &str) -> SmolStr {
        let mut alias = SmolStr::new(wish);
        if self.aliases.contains(&alias) {
            let number = self.numbers.entry(alias.clone()).or_insert(1);
            while self.aliases.contains(&alias) {
                *number += 1;
                alias = format!("{wish}_{number}").into();
            }
        }
        self.aliases.insert(alias.clone());
        alias
    }

    /// A predicate over its arguments.
    fn predicate(&mut self, id: PredicateId, args: &[Formula]) -> (String, Level) {
        let Some(frame) = self.frame.bind(self.model, id, args, self.queries.len()) else {
            return ("false".into(), Level::ATOM);
        };
        let model = self.model;
        let outer = std::mem::replace(&mut self.frame, frame);
        let made = print_open(&model.predicates[id.0 as usize].body.formula, self);
        self.frame = outer;
        made
    }

    /// A scalar parameter of a predicate: its argument, where it was written.
    fn parameter(&mut self, at: usize) -> (String, Level) {
        let Some((formula, frame)) = self.frame.value(at) else { return ("null".into(), Level::ATOM) };
        let queries = self.frame.queries;
        let written = self.written.replace(self.written.map_or(queries, |outer| outer.min(queries)));
        let outer = std::mem::replace(&mut self.frame, frame);
        let made = print_open(&formula, self);
        self.frame = outer;
        self.written = written;
        made
    }

    /// Notes where a plain query hides a row, whose name was given outside all but so many.
    fn named(&mut self, name: &SmolStr, queries: Option<usize>) {
        let Some(queries) = queries.or(self.written) else { return };
        if self.queries.iter().skip(queries).flatten().any(|other| other == name) {
            self.captured.get_or_insert_with(|| name.clone());
        }
    }

    fn session_value(&mut self, sql: String) -> String {
        if self.wrap { format!("(select {sql})") } else { sql }
    }

    /// Notes a call of a function that says who is asking.
    fn says_who(&mut self, name: &str) {
        let field = |entity| name.strip_prefix("viewer_").and_then(|field| self.model.field(entity, field));
        match (name, self.model.viewer.and_then(field)) {
            ("viewer_id", _) => self.session.viewer = true,
            ("claims", _) => self.session.claims = true,
            (_, Some(field)) => {
                self.viewer_fields.push(field);
                self.session.field = true;
            }
            _ => {}
        }
    }

    fn helper(&self, name: &str) -> String {
        match self.looked_up {
            true => quote::qualified(&session_schema(self.model), name),
            false => quote::qualified(&self.model.options.helper_schema, name),
        }
    }

    fn claim(&mut self, keys: &[SmolStr]) -> String {
        let mut sql = format!("{}()", self.helper("claims"));
        for (at, key) in keys.iter().enumerate() {
            let arrow = if at + 1 == keys.len() { "->>" } else { "->" };
            sql = format!("{sql} {arrow} {}", quote::literal(key));
        }
        self.session.claims = true;
        let sql = self.session_value(sql);
        if self.wrap { sql } else { format!("({sql})") }
    }

    fn viewer_field(&mut self, field: FieldIx) -> String {
        self.viewer_fields.push(field);
        self.session.field = true;
        let name = self.model.viewer.map(|entity| format!("viewer_{}", self.model.entity(entity).fields[field].name));
        let call = format!("{}()", self.helper(&name.unwrap_or_default()));
        self.session_value(call)
    }
}

impl Names for Folder<'_> {
    fn spec(&mut self, formula: &Formula) -> (String, Level) {
        let sql = match &formula.node {
            Node::Viewer => {
                let call = format!("{}()", self.helper("viewer_id"));
                self.session.viewer = true;
                self.session_value(call)
            }
            Node::ViewerField(field) => self.viewer_field(*field),
            Node::Claim(keys) => self.claim(keys),
            Node::Column(row, field) => {
                let place = self.frame.place(row);
                self.value(&place, *field)
            }
            Node::Path(row, steps, field) => {
                let place = self.frame.place(row).along(steps);
                self.value(&place, *field)
            }
            Node::Exists(exists) => {
                let place = self.frame.place(&exists.row).along(&exists.steps);
                return self.exists(&place, exists);
            }
            Node::Predicate(id, args) => return self.predicate(*id, args),
            Node::Parameter(at) => return self.parameter(*at),
            // A whole row of the query around it: its name there.
            Node::Whole(Row::Query(name, _), _) => {
                self.named(name, None);
                quote::ident(name).into_owned()
            }
            // The argument of a function, `new` and `old` of a trigger. The checker leaves no row behind a path here.
            Node::Whole(row, steps) if steps.is_empty() => {
                let place = self.frame.place(row);
                self.whole(&place)
            }
            _ => "null".into(),
        };
        (sql, Level::ATOM)
    }

    fn table(&mut self, entity: EntityId, named: bool) -> String {
        self.reads.push(entity);
        let name = &self.model.entity(entity).name;
        let table = qualified(name);
        // What runs as the owner meets no policy that would hide a row.
        let alias = SmolStr::new(&name.name);
        match self.visible(entity, &alias).filter(|_| self.frame.is_owners()) {
            Some(seen) => {
                let alias = quote::ident(&alias);
                let own = if named { String::new() } else { format!(" as {alias}") };
                format!("(select {alias}.* from {table} as {alias} where {seen}){own}")
            }
            None => table,
        }
    }

    fn function(&mut self, name: &Qualified, written: bool, declared: Option<usize>) -> String {
        if let Some(at) = declared {
            self.functions.push(at);
            return qualified(&self.model.functions[at].name);
        }
        if written { qualified(name) } else { quote::word(&name.name).into_owned() }
    }

    fn fixed(&self) -> Option<&Model> {
        self.fixed.then_some(self.model)
    }

    fn enter(&mut self, sql: &Sql) {
        self.aliases.extend(sql.aliases.iter().cloned());
        if sql.query {
            self.inside += 1;
            self.queries.push(sql.aliases.clone());
        }
    }

    fn leave(&mut self, sql: &Sql) {
        if sql.query {
            self.inside -= 1;
            self.queries.pop();
        }
    }

    /// What a view reads with the rights of who asks, the policies of that filter.
    fn view(&mut self, at: usize) -> String {
        self.looks_into(at);
        qualified(&self.model.views[at].name)
    }

    fn as_is(&mut self, sql: &AsIs) {
        let own = self.frame.own_entity();
        self.own.extend(sql.columns.iter().filter(|(entity, _)| Some(*entity) == own));
        for object in &sql.objects {
            match object {
                Object::Entity(id) if Some(*id) != own => self.reads.push(*id),
                Object::Function(at) => self.functions.push(*at),
                Object::View(at) => self.looks_into(*at),
                Object::Session(name) => self.says_who(name),
                _ => {}
            }
        }
    }
}

impl Folder<'_> {
    fn looks_into(&mut self, view: usize) {
        self.reads.extend(self.model.read_as_asked(Object::View(view)));
    }

    /// A column of the row at a place.
    fn value(&mut self, place: &Place, field: FieldIx) -> String {
        if place.steps.is_empty() {
            if place.scoped {
                self.direct.push((place.entity, field));
            }
            return self.field(place, field);
        }
        self.scalar(place, field)
    }

    /// `status`, `new.status`, `$1`.
    fn field(&mut self, place: &Place, field: FieldIx) -> String {
        if place.own {
            self.own.push((place.entity, field));
        }
        let name = column(self.model, place.entity, field);
        match &place.how {
            // Below the top level a bare name could be one of the tables there.
            RowRef::Bare if self.inside > 0 => {
                let table = &self.model.entity(place.entity).name.name;
                self.named(table, Some(0));
                format!("{}.{name}", quote::ident(table))
            }
            RowRef::Bare | RowRef::Behind(..) => name,
            RowRef::Prefixed(alias) => {
                self.named(alias, place.queries);
                self.aliased.push((alias.clone(), field));
                format!("{}.{name}", quote::ident(alias))
            }
            RowRef::Params => self.param(Some(field)),
        }
    }

    /// A row as one value.
    fn whole(&mut self, place: &Place) -> String {
        if !place.steps.is_empty() {
            return "null".into();
        }
        let entity = self.model.entity(place.entity);
        if !matches!(place.how, RowRef::Prefixed(_)) {
            let all = (0..entity.fields.len()).map(|field| (place.entity, field));
            self.direct.extend(all.clone().filter(|_| place.scoped));
            self.own.extend(all.filter(|_| place.own));
        }
        match &place.how {
            RowRef::Prefixed(alias) => {
                self.named(alias, place.queries);
                quote::ident(alias).into_owned()
            }
            RowRef::Params => self.param(None),
            // A column may have the table's name: with the star it is the row.
            RowRef::Bare | RowRef::Behind(..) => {
                self.named(&entity.name.name, Some(0));
                format!("{}.*", quote::ident(&entity.name.name))
            }
        }
    }

    /// The parameter of a helper that a column is, or the row.
    fn param(&mut self, wanted: Option<FieldIx>) -> String {
        let at = self.params.iter().position(|param| *param == wanted).unwrap_or_else(|| {
            self.params.push(wanted);
            self.params.len() - 1
        });
        format!("${}", at + 1)
    }
}

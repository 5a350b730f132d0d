//! Expressions of the spec to SQL: names resolved and quoted, `viewer`, claims, paths, predicates and
//! `exists path (…)` replaced.
//!
//! [`lower`] serves checks, defaults, indexes and triggers. Policies need other shapes for what reads other tables; they
//! use the same [`Folder`] below the level at which the shape is decided (see `access`).

mod paths;
mod tree;

pub(crate) use paths::Chain;
pub(crate) use tree::*;

use smol_str::SmolStr;
use specc_catalog::SqlExpr;
use specc_model::scope::{PathStep, Resolved, Scope};
use specc_model::{EntityId, Expr, FieldIx, Model, PredicateId, Qualified};
use specc_sql::quote;
use sqlparser::ast::{self, ObjectName, ObjectNamePart, VisitMut, VisitorMut};
use std::ops::ControlFlow;

/// How the columns of a row of the scope are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowRef {
    /// `status` (checks, defaults, indexes, policies without a join).
    Bare,
    /// `new.status`, `m.status`, `events.status`.
    Prefixed(SmolStr),
    /// The columns become parameters `$1`, `$2`, … of a helper function; [`Folder::params`] collects them.
    Params,
    /// A row reached by following relations from the row this many places from the end of the scope.
    Via(usize, Vec<PathStep>),
    /// A row of which only what lies behind this step is read: the alias stands for the row that the step leads to.
    Behind(PathStep, SmolStr),
}

/// The SQL of `expr` in `scope`; `rows` says for each row of the scope how its columns are written. Relation paths become
/// scalar subqueries and `exists path (…)` becomes a correlated `exists (select …)`.
pub fn lower(model: &Model, scope: &Scope, rows: &[RowRef], expr: &Expr) -> SqlExpr {
    let mut folder = Folder::new(model, scope.clone(), rows.to_vec());
    let text = folder.text(&expr.ast);
    SqlExpr { text: text.into(), columns: folder.columns() }
}

/// The SQL of a name in a schema.
pub fn qualified(name: &Qualified) -> String {
    quote::qualified(&name.schema, &name.name)
}

/// The SQL of a field's name.
pub fn column(model: &Model, entity: EntityId, field: FieldIx) -> String {
    quote::ident(&model.entity(entity).fields[field].name).into_owned()
}

/// Replaces what is the spec's own in one expression, and notes what it met.
pub(crate) struct Folder<'m> {
    pub model: &'m Model,
    pub scope: Scope,
    pub rows: Vec<RowRef>,
    /// Session values stand in scalar subqueries, so that they are read once for each statement (policies, helpers).
    pub wrap: bool,
    /// Columns of the outermost row that were read.
    own: Vec<FieldIx>,
    /// The columns of the [`RowRef::Params`] row in the order of their numbers.
    pub params: Vec<FieldIx>,
    /// Fields of the viewer's row that were read.
    pub viewer_fields: Vec<FieldIx>,
    /// Functions of the spec that were called.
    pub functions: Vec<Qualified>,
    /// Entities that plain SQL subqueries read, with the rights of who asks.
    pub reads: Vec<EntityId>,
    /// `viewer` or a claim was read.
    pub session: bool,
    /// Columns that were read without following a relation, by row.
    pub direct: Vec<(usize, FieldIx)>,
    /// Relations that were followed, by the row from which.
    pub paths: Vec<(usize, Vec<PathStep>)>,
    aliases: Vec<SmolStr>,
    queries: Vec<Vec<(SmolStr, Option<EntityId>)>>,
    depth: usize,
}

/// Predicates that use predicates end somewhere; the checker reports those that do not.
const MAX_PREDICATE_DEPTH: usize = 32;

impl<'m> Folder<'m> {
    pub fn new(model: &'m Model, scope: Scope, rows: Vec<RowRef>) -> Self {
        let aliases = rows
            .iter()
            .filter_map(|r| if let RowRef::Prefixed(alias) = r { Some(alias.clone()) } else { None })
            .collect();
        Self {
            model,
            scope,
            rows,
            wrap: false,
            own: Vec::new(),
            params: Vec::new(),
            viewer_fields: Vec::new(),
            functions: Vec::new(),
            reads: Vec::new(),
            session: false,
            direct: Vec::new(),
            paths: Vec::new(),
            aliases,
            queries: Vec::new(),
            depth: 0,
        }
    }

    /// The SQL of `expr`.
    pub fn text(&mut self, expr: &ast::Expr) -> String {
        if let ast::Expr::Function(call) = expr
            && let Some((text, tree)) = specc_expr::as_is(call)
        {
            return self.as_is(text, tree);
        }
        let mut expr = expr.clone();
        let _ = expr.visit(self);
        specc_expr::print_expr(&expr)
    }

    /// Names of the columns of the outermost row that were read, sorted.
    pub fn columns(&self) -> Vec<SmolStr> {
        let Some((_, entity)) = self.scope.rows.last() else { return Vec::new() };
        let mut names: Vec<_> = self.own.iter().map(|f| self.model.entity(*entity).fields[*f].name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// An alias near `wish` that no other table of this expression has.
    pub fn alias(&mut self, wish: &str) -> SmolStr {
        let mut alias = SmolStr::new(wish);
        let mut n = 1;
        while self.aliases.contains(&alias) {
            n += 1;
            alias = format!("{wish}_{n}").into();
        }
        self.aliases.push(alias.clone());
        alias
    }

    /// A predicate with its parameters bound to rows; `None` where it nests too deeply.
    fn predicate(&mut self, id: PredicateId, args: &[ast::Expr]) -> Option<String> {
        let (scope, rows) = self.bind(id, args)?;
        let model = self.model;
        let body = &model.predicates[id.0 as usize].body.ast;
        let outer = (std::mem::replace(&mut self.scope, scope), std::mem::replace(&mut self.rows, rows));
        self.depth += 1;
        let text = self.text(body);
        self.depth -= 1;
        (self.scope, self.rows) = outer;
        Some(if is_loose(body) { format!("({text})") } else { text })
    }

    /// The scope of a predicate's body: its parameters, and below them the rows that they are reached from. The rows
    /// keep their names hidden, so that a predicate means the same wherever it is used.
    pub fn bind(&self, id: PredicateId, args: &[ast::Expr]) -> Option<(Scope, Vec<RowRef>)> {
        if self.depth > MAX_PREDICATE_DEPTH {
            return None;
        }
        let predicate = &self.model.predicates[id.0 as usize];
        let mut scope = Scope::default();
        let mut rows = Vec::new();
        for ((name, entity), arg) in predicate.params.iter().zip(args) {
            let (row, steps) = match self.resolve(&parts(arg)?)? {
                Resolved::Row(row) => self.origin(row, Vec::new()),
                Resolved::Path { row, steps, field: None } => self.origin(row, steps),
                _ => return None,
            };
            scope.rows.push((name.clone(), *entity));
            rows.push(RowRef::Via(self.rows.len() - row, steps));
        }
        for (at, (_, entity)) in self.scope.rows.iter().enumerate() {
            scope.rows.push(("\0".into(), *entity));
            rows.push(self.rows[at].clone());
        }
        Some((scope, rows))
    }

    /// What an identifier means here; rows whose alias is hidden take part only through parameters.
    pub fn resolve(&self, parts: &[&str]) -> Option<Resolved> {
        let hidden = self.scope.rows.iter().position(|(alias, _)| alias == "\0");
        let Some(hidden) = hidden else { return self.model.resolve(&self.scope, parts) };
        let visible = Scope { rows: self.scope.rows[..hidden].to_vec() };
        self.model.resolve(&visible, parts)
    }

    /// The predicate that a call names, with its arguments.
    pub fn predicate_call<'e>(&self, expr: &'e ast::Expr) -> Option<(PredicateId, Vec<&'e ast::Expr>)> {
        match expr {
            ast::Expr::Identifier(_) => match self.resolve(&parts(expr)?)? {
                Resolved::Predicate(id) => Some((id, Vec::new())),
                _ => None,
            },
            ast::Expr::Function(call) => {
                let name = single(&call.name)?;
                let id = *self.model.index.predicates.get(name)?;
                Some((id, arguments(call)))
            }
            _ => None,
        }
    }

    /// `sql $$ … $$`: its text, once what it reads is noted.
    fn as_is(&mut self, text: &str, tree: Option<&ast::Expr>) -> String {
        match (tree, self.scope.rows.last()) {
            (Some(tree), _) => drop(self.text(tree)),
            (None, Some((_, entity))) => {
                let entity = self.model.entity(*entity);
                self.own.extend(specc_expr::words(text).iter().filter_map(|word| entity.field(word)));
            }
            (None, None) => {}
        }
        text.to_owned()
    }

    fn session_value(&mut self, sql: String) -> String {
        self.session = true;
        if self.wrap { format!("(select {sql})") } else { sql }
    }

    fn helper(&self, name: &str) -> String {
        quote::qualified(&self.model.options.helper_schema, name)
    }

    /// The SQL of an identifier, or nothing where it is not the spec's.
    fn name(&mut self, parts: &[&str]) -> Option<String> {
        // A name of a plain SQL subquery around it is SQL already.
        for tables in self.queries.iter().rev() {
            let known = tables.iter().any(|(alias, entity)| {
                (parts.len() > 1 && alias == parts[0])
                    || (parts.len() == 1 && entity.is_none_or(|e| self.model.field(e, parts[0]).is_some()))
            });
            if known {
                return None;
            }
        }
        Some(match self.resolve(parts)? {
            Resolved::Viewer => {
                let call = format!("{}()", self.helper("viewer_id"));
                self.session_value(call)
            }
            Resolved::ViewerField(field) => {
                self.viewer_fields.push(field);
                let entity = self.model.viewer?;
                let name = format!("viewer_{}", self.model.entity(entity).fields[field].name);
                let call = format!("{}()", self.helper(&name));
                self.session_value(call)
            }
            Resolved::Claims(keys) => {
                let mut sql = format!("{}()", self.helper("claims"));
                for (at, key) in keys.iter().enumerate() {
                    let arrow = if at + 1 == keys.len() { "->>" } else { "->" };
                    sql = format!("{sql} {arrow} {}", quote::literal(key));
                }
                let sql = self.session_value(sql);
                if self.wrap { sql } else { format!("({sql})") }
            }
            Resolved::Field { row, field } => match self.origin(row, Vec::new()) {
                (row, steps) if steps.is_empty() => {
                    self.direct.push((row, field));
                    self.field(row, field)
                }
                (row, steps) => self.scalar(row, &steps, field),
            },
            Resolved::Path { row, steps, field: Some(field) } => {
                let (row, steps) = self.origin(row, steps);
                self.scalar(row, &steps, field)
            }
            Resolved::Predicate(id) => self.predicate(id, &[])?,
            Resolved::Path { field: None, .. } | Resolved::Row(_) => return None,
        })
    }

    fn qualify_relation(&self, name: &mut ObjectName) -> Option<EntityId> {
        let (schema, table) = match name.0.as_slice() {
            [ObjectNamePart::Identifier(t)] => (self.model.options.default_schema.clone(), folded(t)),
            [ObjectNamePart::Identifier(s), ObjectNamePart::Identifier(t)] => (folded(s), folded(t)),
            _ => return None,
        };
        let key = Qualified { schema: schema.clone(), name: table.clone() };
        let id = *self.model.index.entities.get(&key)?;
        *name = ObjectName(vec![part(&schema), part(&table)]);
        Some(id)
    }

    fn qualify_function(&mut self, name: &mut ObjectName) {
        let (schema, function) = match name.0.as_slice() {
            [ObjectNamePart::Identifier(f)] => (None, folded(f)),
            [ObjectNamePart::Identifier(s), ObjectNamePart::Identifier(f)] => (Some(folded(s)), folded(f)),
            _ => return,
        };
        let default = &self.model.options.default_schema;
        let wanted = schema.as_ref().unwrap_or(default);
        if let Some(found) = self.model.functions.iter().find(|f| f.name.name == function && f.name.schema == *wanted) {
            self.functions.push(found.name.clone());
            *name = ObjectName(vec![part(&found.name.schema), part(&found.name.name)]);
        }
    }

    fn qualify_type(&self, ty: &mut ast::DataType) {
        match ty {
            ast::DataType::Custom(name, _) if name.0.len() == 1 => {
                let Some(wanted) = single(name).map(SmolStr::new) else { return };
                let default = &self.model.options.default_schema;
                let is = |q: &Qualified| q.name == wanted && q.schema == *default;
                let known = self.model.enums.iter().any(|e| is(&e.name))
                    || self.model.domains.iter().any(|d| is(&d.name))
                    || self.model.composites.iter().any(|c| is(&c.name));
                if known {
                    *name = ObjectName(vec![part(default), part(&wanted)]);
                }
            }
            ast::DataType::Array(
                ast::ArrayElemTypeDef::SquareBracket(inner, _)
                | ast::ArrayElemTypeDef::AngleBracket(inner)
                | ast::ArrayElemTypeDef::Parenthesis(inner),
            ) => self.qualify_type(inner),
            _ => {}
        }
    }
}

impl VisitorMut for Folder<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<()> {
        let mut tables = Vec::new();
        collect_tables(&query.body, &mut |name, alias| {
            let mut name = name.clone();
            let entity = self.qualify_relation(&mut name);
            let last = name.0.last().and_then(|p| p.as_ident()).map(folded).unwrap_or_default();
            tables.push((alias.map(folded).unwrap_or(last), entity));
        });
        if let Some(with) = &query.with {
            tables.extend(with.cte_tables.iter().map(|c| (folded(&c.alias.name), None)));
        }
        self.queries.push(tables);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<()> {
        self.queries.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        if let Some(id) = self.qualify_relation(name) {
            self.reads.push(id);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        let replaced = match &*expr {
            ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) => {
                parts(expr).and_then(|parts| self.name(&parts))
            }
            ast::Expr::Function(call) => {
                if let Some((text, tree)) = specc_expr::as_is(call) {
                    Some(self.as_is(text, tree))
                } else if let Some((path, condition)) = exists_path(expr) {
                    match parts(path).and_then(|p| self.resolve(&p)) {
                        Some(Resolved::Path { row, steps, field: None }) => {
                            let (row, steps) = self.origin(row, steps);
                            Some(self.exists(row, &steps, condition))
                        }
                        _ => None,
                    }
                } else {
                    let call =
                        self.predicate_call(expr).map(|(id, args)| (id, args.into_iter().cloned().collect::<Vec<_>>()));
                    call.and_then(|(id, args)| self.predicate(id, &args))
                }
            }
            _ => None,
        };
        if let Some(sql) = replaced {
            *expr = verbatim(sql);
            return ControlFlow::Continue(());
        }
        match expr {
            ast::Expr::Function(call) => self.qualify_function(&mut call.name),
            ast::Expr::Cast { data_type, .. } => self.qualify_type(data_type),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

//! sqlparser's tree, with what the checker found out about it, to a formula. Nothing behind this sees sqlparser.

use super::walk::{path_nullable, volatility};
use super::*;
use crate::scope::{Resolved, Scope};
use crate::types::{Base, Model, ParamKind, Type};
use crate::typing::kinds::Ty;
use rustc_hash::FxHashMap;
use specc_expr::lex::{Lexed, lex};
use specc_expr::{as_is, bare_word, exists_path, expr_span, idents_span, is_exists_path, object_name};
use sqlparser::ast::{self, Expr as Ast, FunctionArg, FunctionArgExpr, FunctionArguments, Ident};
use std::cell::OnceCell;

/// What a name in a tree means.
#[derive(Clone, Debug)]
pub(crate) enum Meaning {
    /// A name of SQL that stays as it is.
    Sql,
    /// A name of the spec. The row, where it is none of the scope's.
    Spec(Resolved, Option<Row>),
    /// A table of the spec.
    Table(EntityId),
    /// A view of the spec.
    View(usize),
    /// A column of a row of a view.
    Given(Row, FieldIx),
    /// A function of the spec.
    Function(usize),
}

/// What the checker learned, by the address of what it is about in the tree (for a name, of its first identifier).
#[derive(Debug, Default)]
pub(crate) struct Meanings {
    names: FxHashMap<usize, Meaning>,
    types: FxHashMap<usize, Ty>,
}

fn address<T>(of: &T) -> usize {
    std::ptr::from_ref(of) as usize
}

impl Meanings {
    /// Keeps what the name that starts with `ident` means.
    pub(crate) fn name(&mut self, ident: &Ident, meaning: Meaning) {
        self.names.insert(address(ident), meaning);
    }

    /// Keeps the type of `ast`.
    pub(crate) fn ty(&mut self, ast: &Ast, ty: &Ty) {
        self.types.insert(address(ast), ty.clone());
    }

    pub(crate) fn of(&self, ident: &Ident) -> Option<&Meaning> {
        self.names.get(&address(ident))
    }
}

/// Makes formulas of the tree of one text.
pub(crate) struct Builder<'a> {
    pub model: &'a Model,
    pub meanings: &'a Meanings,
    pub scope: &'a Scope,
    pub text: &'a str,
    pub at: Span,
    /// Of the text, once somebody asks.
    tokens: OnceCell<Vec<Lexed>>,
}

/// What a node comes to: what it is, whether it can be null, how its own part of it changes.
type Made = (Node, bool, Volatility);

impl<'a> Builder<'a> {
    pub(crate) fn new(model: &'a Model, meanings: &'a Meanings, scope: &'a Scope, text: &'a str, at: Span) -> Self {
        Self { model, meanings, scope, text, at, tokens: OnceCell::new() }
    }

    /// The tokens of the text.
    pub(super) fn tokens(&self) -> &[Lexed] {
        self.tokens.get_or_init(|| lex(self.text).unwrap_or_default())
    }

    pub(crate) fn formula(&self, ast: &Ast) -> Formula {
        if let Ast::BinaryOp { .. } = ast {
            return self.binary(ast);
        }
        let (node, nullable, own) = self.node(ast);
        self.finished(ast, node, nullable, own)
    }

    fn finished(&self, ast: &Ast, node: Node, nullable: bool, own: Volatility) -> Formula {
        let volatility = volatility(own, node.parts().into_iter());
        Formula { ty: self.ty(ast), span: self.span(ast, &node), node, nullable, volatility }
    }

    pub(super) fn ty(&self, ast: &Ast) -> Type {
        self.meanings.types.get(&address(ast)).map_or_else(|| Ty::Opaque.into_type(), |ty| ty.clone().into_type())
    }

    /// The place of a name or a literal; of everything else, from its first part to its last.
    fn span(&self, ast: &Ast, node: &Node) -> Span {
        match ast {
            Ast::Identifier(ident) => idents_span(std::slice::from_ref(ident), self.text, self.at),
            Ast::CompoundIdentifier(idents) => idents_span(idents, self.text, self.at),
            Ast::Value(_) | Ast::Function(_) => expr_span(ast, self.text, self.at),
            _ => {
                let parts = node.parts();
                match (parts.first(), parts.last()) {
                    (Some(first), Some(last)) => first.span.to(last.span),
                    _ => self.at,
                }
            }
        }
    }

    fn operand(&self, ast: &Ast) -> Box<Formula> {
        Box::new(self.formula(ast))
    }

    fn node(&self, ast: &Ast) -> Made {
        let plain = |node: Node| {
            let nullable = node.parts().iter().any(|p| p.nullable);
            (node, nullable, Volatility::Immutable)
        };
        let never_null = |node: Node| (node, false, Volatility::Immutable);
        match ast {
            Ast::Identifier(ident) => self.name(std::slice::from_ref(ident)),
            Ast::CompoundIdentifier(idents) => self.name(idents),
            Ast::Value(value) => {
                let value = Value::of(&value.value);
                let null = value == Value::Null;
                (Node::Literal(value), null, Volatility::Immutable)
            }
            Ast::Nested(inner) => plain(Node::Nested(self.operand(inner))),
            Ast::UnaryOp { op: ast::UnaryOperator::Not, expr } => plain(Node::Not(self.operand(expr))),
            Ast::UnaryOp { op, expr } => plain(Node::Unary(op.to_string().into(), self.operand(expr))),
            Ast::Function(call) => self.call(ast, call),
            Ast::Cast { kind, expr, data_type, .. } => {
                let long = *kind != ast::CastKind::DoubleColon;
                let cast = Cast { of: self.formula(expr), to: self.type_name(data_type), long };
                plain(Node::Cast(Box::new(cast)))
            }
            Ast::InList { expr, list, negated } => {
                let list = list.iter().map(|e| self.formula(e)).collect();
                plain(Node::InList(Box::new((self.formula(expr), list)), *negated))
            }
            Ast::IsNull(inner) => never_null(Node::IsNull(self.operand(inner), false)),
            Ast::IsNotNull(inner) => never_null(Node::IsNull(self.operand(inner), true)),
            Ast::IsTrue(inner) => never_null(Node::Is(self.operand(inner), "true")),
            Ast::IsNotTrue(inner) => never_null(Node::Is(self.operand(inner), "not true")),
            Ast::IsFalse(inner) => never_null(Node::Is(self.operand(inner), "false")),
            Ast::IsNotFalse(inner) => never_null(Node::Is(self.operand(inner), "not false")),
            Ast::IsUnknown(inner) => never_null(Node::Is(self.operand(inner), "unknown")),
            Ast::IsNotUnknown(inner) => never_null(Node::Is(self.operand(inner), "not unknown")),
            Ast::Exists { subquery, negated } => {
                let words = if *negated { "not exists " } else { "exists " };
                let level = if *negated { Level::NOT } else { Level::ATOM };
                never_null(self.with_query(level, vec![Part::Words(words.into())], subquery))
            }
            Ast::Subquery(query) => (Node::Sql(Box::new(self.query(query))), true, Volatility::Volatile),
            Ast::InSubquery { expr, subquery, negated } => {
                let words = if *negated { " not in " } else { " in " };
                let parts = vec![Part::Operand(self.formula(expr), Level::LIKE.above()), Part::Words(words.into())];
                (self.with_query(Level::LIKE, parts, subquery), true, Volatility::Immutable)
            }
            _ => match self.form(ast) {
                Some(form) => plain(Node::Form(Box::new(form))),
                None => (Node::Sql(Box::new(self.verbatim(ast))), true, Volatility::Volatile),
            },
        }
    }

    /// A chain of operators, left to right: it may be long.
    fn binary(&self, ast: &Ast) -> Formula {
        let mut spine = Vec::new();
        let mut head = ast;
        while let Ast::BinaryOp { left, op, right } = head {
            spine.push((head, op, right));
            head = left;
        }
        let mut made = self.formula(head);
        for (whole, op, right) in spine.into_iter().rev() {
            let op = match op {
                ast::BinaryOperator::And => Operator::And,
                ast::BinaryOperator::Or => Operator::Or,
                ast::BinaryOperator::Eq => Operator::Equal,
                op => Operator::Other(op.to_string().to_lowercase().into()),
            };
            let node = Node::Binary(op, Box::new((made, self.formula(right))));
            let nullable = node.parts().iter().any(|p| p.nullable);
            made = self.finished(whole, node, nullable, Volatility::Immutable);
        }
        made
    }

    pub(super) fn name(&self, idents: &[Ident]) -> Made {
        match self.meanings.of(&idents[0]) {
            Some(Meaning::Spec(resolved, row)) => self.spec(resolved, row.as_ref()),
            Some(Meaning::Given(row, at)) => (Node::Column(row.clone(), *at), true, Volatility::Immutable),
            Some(_) => self.sql_name(idents),
            // The checker did not come here: it looks no deeper than it has to.
            None => match self.model.resolve(self.scope, &parts(idents), idents[0].quote_style.is_some()) {
                Some(resolved) => self.spec(&resolved, None),
                None => self.sql_name(idents),
            },
        }
    }

    fn sql_name(&self, idents: &[Ident]) -> Made {
        if let Some((word, _)) = specc_expr::value_of_session(idents) {
            let form = Form { level: Level::ATOM, parts: vec![Part::Words(word.into())] };
            return (Node::Form(Box::new(form)), false, Volatility::Stable);
        }
        (Node::Name(idents.iter().map(folded).collect()), true, Volatility::Immutable)
    }

    /// The node of a name of the spec; `row` is the row that it starts from, where that is none of the scope's.
    pub(super) fn spec(&self, resolved: &Resolved, row: Option<&Row>) -> Made {
        let bound = |at: usize| row.cloned().unwrap_or(Row::Scope(at));
        match resolved {
            Resolved::Viewer => (Node::Viewer, true, Volatility::Stable),
            Resolved::ViewerField(field) => (Node::ViewerField(*field), true, Volatility::Stable),
            Resolved::Claims(keys) => (Node::Claim(keys.clone().into()), true, Volatility::Stable),
            Resolved::Field { row: at, field } => {
                let row = bound(*at);
                let nullable = self.entity_of(&row).is_none_or(|e| self.model.entity(e).fields[*field].nullable);
                (Node::Column(row, *field), nullable, Volatility::Immutable)
            }
            Resolved::Path { row: at, steps, field: Some(field) } => {
                let nullable = path_nullable(self.model, steps, *field);
                (Node::Path(bound(*at), steps.clone().into(), *field), nullable, Volatility::Stable)
            }
            Resolved::Path { row: at, steps, field: None } => {
                (Node::Whole(bound(*at), steps.clone().into()), false, Volatility::Stable)
            }
            Resolved::Row(at) => (Node::Whole(bound(*at), Box::default()), false, Volatility::Immutable),
            Resolved::Parameter(at) => (Node::Parameter(*at), true, Volatility::Immutable),
            Resolved::Predicate(id) => (Node::Predicate(*id, Box::default()), true, Volatility::Stable),
        }
    }

    /// The entity of a row; none for one that an enclosing `exists` looks at, whose columns are read where they are
    /// declared.
    fn entity_of(&self, row: &Row) -> Option<EntityId> {
        match row {
            Row::Scope(at) => self.scope.rows.get(*at).map(|r| r.1),
            Row::Query(_, entity) => Some(*entity),
            Row::Bound(_) | Row::View(..) => None,
        }
    }

    fn call(&self, ast: &Ast, call: &ast::Function) -> Made {
        if let Some(text) = as_is(call) {
            // What it names comes with the analysis of its SQL.
            let sql = AsIs { text: text.into(), columns: Vec::new(), objects: Vec::new() };
            return (Node::AsIs(Box::new(sql)), true, Volatility::Volatile);
        }
        if let Some(exists) = self.exists(call) {
            return (Node::Exists(Box::new(exists)), false, Volatility::Stable);
        }
        if let Some(word) = self.meant(call) {
            return self.name(std::slice::from_ref(word));
        }
        if let Some((id, args)) = self.predicate(call) {
            return (Node::Predicate(id, args), true, Volatility::Stable);
        }
        match self.plain_call(call) {
            Some(call) => {
                let (nullable, own) = self.result(&call);
                (Node::Call(Box::new(call)), nullable, own)
            }
            None => match &call.args {
                FunctionArguments::Subquery(query) => {
                    let name = call.name.to_string().to_lowercase();
                    let node = self.with_query(Level::ATOM, vec![Part::Words(name.into())], query);
                    (node, false, Volatility::Volatile)
                }
                _ => (Node::Sql(Box::new(self.verbatim(ast))), true, Volatility::Volatile),
            },
        }
    }

    /// `exists path (condition)`; none for another call, or a path that leads nowhere, which was reported.
    pub(super) fn exists(&self, call: &ast::Function) -> Option<Exists> {
        if !is_exists_path(call) {
            return None;
        }
        let (path, condition, including_deleted) = exists_path(call)?;
        let (row, steps) = match self.name(path).0 {
            Node::Whole(row, steps) => (row, steps),
            _ => return None,
        };
        let target = match steps.last() {
            Some(step) => self.model.step_target(*step),
            None => self.entity_of(&row)?,
        };
        Some(Exists { row, steps, target, including_deleted, condition: self.formula(condition) })
    }

    /// A word of Postgres's by which the spec means something.
    pub(super) fn meant<'c>(&self, call: &'c ast::Function) -> Option<&'c Ident> {
        bare_word(call).filter(|word| matches!(self.meanings.of(word), Some(Meaning::Spec(..))))
    }

    /// A predicate that is called, with its arguments.
    pub(super) fn predicate(&self, call: &ast::Function) -> Option<(PredicateId, Box<[Formula]>)> {
        let ident = call.name.0.first()?.as_ident()?;
        let id = match self.meanings.of(ident) {
            Some(Meaning::Spec(Resolved::Predicate(id), _)) => id,
            Some(_) => return None,
            // The checker did not come here.
            None if call.name.0.len() == 1 => self.model.index.predicates.get(&folded(ident))?,
            None => return None,
        };
        let FunctionArguments::List(list) = &call.args else { return Some((*id, Box::default())) };
        let params = &self.model.predicates[id.0 as usize].params;
        let args = list.args.iter().filter_map(argument).enumerate();
        let args = args.map(|(at, (_, e))| match params.get(at).map(|p| &p.kind) {
            Some(ParamKind::Value(ty)) => self.assigned(e, ty),
            _ => self.formula(e),
        });
        Some((*id, args.collect()))
    }

    /// A value as one of `ty`: what it means may not depend on where the predicate reads it.
    fn assigned(&self, ast: &Ast, ty: &Type) -> Formula {
        let of = self.formula(ast);
        if of.ty == *ty && !matches!(of.bare().node, Node::Literal(_)) || ty.base == Base::Unknown {
            return of;
        }
        self.cast(of, ty)
    }

    /// The array of `any (array)`. What may be written as a subquery is cast, or Postgres would compare with its rows.
    pub(super) fn array(&self, ast: &Ast) -> Formula {
        let of = self.formula(ast);
        let looked_up = matches!(
            of.bare().node,
            Node::Path(..) | Node::ViewerField(_) | Node::Claim(_) | Node::Viewer | Node::Parameter(_)
        );
        if looked_up && of.ty.dims > 0 { self.cast(of.clone(), &of.ty) } else { of }
    }

    fn cast(&self, of: Formula, ty: &Type) -> Formula {
        let (span, nullable, volatility) = (of.span, of.nullable, of.volatility);
        let cast = Cast { of, to: TypeName::of(self.model, ty), long: false };
        Formula { node: Node::Cast(Box::new(cast)), ty: ty.clone(), span, nullable, volatility }
    }

    /// A call with nothing but arguments.
    fn plain_call(&self, call: &ast::Function) -> Option<Call> {
        let extras = call.filter.is_some()
            || call.over.is_some()
            || call.null_treatment.is_some()
            || !call.within_group.is_empty();
        let (function, qualified) = self.function_name(&call.name)?;
        if extras || !qualified && specc_expr::is_worded(&function.name) {
            return None;
        }
        let declared = self.declared(&call.name);
        let mut made = Call { function, qualified, declared, args: Vec::new(), bare: false, star: false };
        match &call.args {
            FunctionArguments::None => made.bare = true,
            FunctionArguments::Subquery(_) => return None,
            FunctionArguments::List(list) => {
                if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
                    return None;
                }
                for arg in &list.args {
                    match arg {
                        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => made.star = true,
                        arg => {
                            let (name, value) = argument(arg)?;
                            made.args.push((name, self.formula(value)));
                        }
                    }
                }
            }
        }
        Some(made)
    }

    /// The name of a function with its schema, and whether that was written.
    pub(super) fn function_name(&self, name: &ast::ObjectName) -> Option<(Qualified, bool)> {
        let (schema, name) = object_name(name)?;
        let qualified = schema.is_some();
        let schema = schema.unwrap_or_else(|| self.model.options.default_schema.clone());
        Some((Qualified { schema, name }, qualified))
    }

    /// The function of the spec that a call means.
    pub(super) fn declared(&self, name: &ast::ObjectName) -> Option<usize> {
        match name.0.first().and_then(|p| p.as_ident()).and_then(|i| self.meanings.of(i)) {
            Some(Meaning::Function(at)) => return Some(*at),
            Some(_) => return None,
            // The checker did not come here.
            None => {}
        }
        let (function, qualified) = self.function_name(name)?;
        let (own, grammar) = (specc_facts::functions(&function.name), specc_facts::grammar(&function.name));
        if !qualified && (!own.is_empty() || grammar.is_some()) {
            return None;
        }
        self.model.functions.iter().position(|f| f.name == function)
    }

    /// Whether a call can give null, and how its result changes: of all functions with this name and so many arguments,
    /// what is the worst.
    fn result(&self, call: &Call) -> (bool, Volatility) {
        let nullable = match call.function.name.as_str() {
            "coalesce" if !call.qualified => call.args.iter().all(|(_, a)| a.nullable),
            name => call.qualified || !specc_facts::gives_a_value(name),
        };
        if let Some(at) = call.declared {
            let declared = &self.model.functions[at].volatility;
            return (nullable, declared.as_deref().map_or(Volatility::Volatile, Volatility::named));
        }
        let schema = call.qualified.then_some(call.function.schema.as_str());
        let own = specc_facts::volatility(schema, &call.function.name).unwrap_or(Volatility::Volatile);
        (nullable, own)
    }

    /// A type as it is written, one of the spec with its schema.
    pub(super) fn type_name(&self, ty: &ast::DataType) -> TypeName {
        match ty {
            ast::DataType::Custom(name, modifiers) => {
                let Some((schema, plain)) = object_name(name) else {
                    return TypeName { sql: object_sql(name).into(), name: None };
                };
                let default = &self.model.options.default_schema;
                let ours = schema.is_none() && self.is_type(default, &plain);
                let sql = match &schema {
                    Some(schema) => specc_sql::quote::qualified(schema, &plain),
                    None if ours => specc_sql::quote::qualified(default, &plain),
                    None => object_sql(name),
                };
                let sql = if modifiers.is_empty() { sql } else { format!("{sql}({})", modifiers.join(",")) };
                let name = Qualified { schema: schema.unwrap_or_else(|| default.clone()), name: plain };
                TypeName { sql: sql.into(), name: Some(name) }
            }
            ast::DataType::Array(
                ast::ArrayElemTypeDef::SquareBracket(inner, None)
                | ast::ArrayElemTypeDef::AngleBracket(inner)
                | ast::ArrayElemTypeDef::Parenthesis(inner),
            ) => {
                let inner = self.type_name(inner);
                TypeName { sql: format!("{}[]", inner.sql).into(), name: inner.name }
            }
            // The types of the grammar: keywords and numbers.
            other => TypeName { sql: other.to_string().to_lowercase().into(), name: None },
        }
    }

    fn is_type(&self, schema: &str, name: &str) -> bool {
        let is = |q: &Qualified| q.name == name && q.schema == schema;
        self.model.enums.iter().any(|e| is(&e.name))
            || self.model.domains.iter().any(|d| is(&d.name))
            || self.model.composites.iter().any(|c| is(&c.name))
    }
}

/// An argument with its name.
fn argument(arg: &FunctionArg) -> Option<(Option<SmolStr>, &Ast)> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some((None, e)),
        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(e), .. } => Some((Some(folded(name)), e)),
        FunctionArg::ExprNamed { name: Ast::Identifier(name), arg: FunctionArgExpr::Expr(e), .. } => {
            Some((Some(folded(name)), e))
        }
        _ => None,
    }
}

fn parts(idents: &[Ident]) -> Vec<&str> {
    idents.iter().map(|i| i.value.as_str()).collect()
}

pub(super) fn folded(ident: &Ident) -> SmolStr {
    if ident.quote_style.is_some() { ident.value.as_str().into() } else { ident.value.to_lowercase().into() }
}

/// A name with its quotes where they are needed.
pub(super) fn object_sql(name: &ast::ObjectName) -> String {
    let parts: Vec<SmolStr> = name.0.iter().filter_map(|p| p.as_ident()).map(folded).collect();
    parts.iter().map(|p| specc_sql::quote::ident(p).into_owned()).collect::<Vec<_>>().join(".")
}

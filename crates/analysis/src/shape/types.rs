//! The types of expressions, as Postgres works them out.

use super::from::argument;
use super::resolve::{Choice, choose};
use super::scope::{Scope, Source, Withs};
use super::{Column, Shapes};
use crate::environment::{Environment, Lookup, Routine};
use crate::text::folded;
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, DataType as SqlType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Query, UnaryOperator, Value,
};
use specc_facts::Family;

/// The type of a literal in quotes until something gives it one.
const LITERAL: &str = "unknown";

pub(super) fn is_literal(ty: &DataType) -> bool {
    ty.schema.is_empty() && ty.name == LITERAL
}

pub(super) fn builtin(name: &str) -> Option<DataType> {
    Some(DataType::builtin(name))
}

/// How deep an expression is followed.
const DEEP: usize = 200;

impl Shapes<'_> {
    /// The type of an expression; none where it is not known.
    pub(super) fn ty(&self, scope: &Scope<'_>, withs: &Withs, expr: &Expr) -> Option<DataType> {
        self.ty_at(scope, withs, expr, 0)
    }

    fn ty_at(&self, scope: &Scope<'_>, withs: &Withs, expr: &Expr, depth: usize) -> Option<DataType> {
        if depth > DEEP {
            return None;
        }
        let ty = |expr: &Expr| self.ty_at(scope, withs, expr, depth + 1);
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => match scope.find(expr) {
                Some(found) => found.column.ty,
                None => self.other_name(scope, expr),
            },
            Expr::Prefixed { .. } if specc_expr::is_document(expr) => builtin("boolean"),
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } | Expr::Prefixed { value: inner, .. } => ty(inner),
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) if digits.contains(['.', 'e', 'E']) => builtin("numeric"),
                Value::Number(digits, _) if digits.parse::<i32>().is_ok() => builtin("int"),
                Value::Number(digits, _) if digits.parse::<i64>().is_ok() => builtin("bigint"),
                Value::Number(..) => builtin("numeric"),
                Value::Boolean(_) => builtin("boolean"),
                Value::Placeholder(_) => None,
                _ => builtin(LITERAL),
            },
            Expr::TypedString(typed) => self.written_type(&typed.data_type),
            Expr::Cast { data_type, .. } => self.written_type(data_type),
            Expr::UnaryOp { op: UnaryOperator::Not, .. } => builtin("boolean"),
            Expr::UnaryOp { op: UnaryOperator::Plus | UnaryOperator::Minus, expr } => ty(expr),
            Expr::UnaryOp { op, expr } => self.operated(&op.to_string(), &[ty(expr)]),
            Expr::BinaryOp { left, op, right } => match op {
                BinaryOperator::And | BinaryOperator::Or => builtin("boolean"),
                _ => self.operated(&op.to_string(), &[ty(left), ty(right)]),
            },
            Expr::Function(call) => self.call(scope, withs, call, depth),
            Expr::Case { conditions, else_result, .. } => {
                // The last branch is looked at first.
                let branches = else_result.iter().map(|expr| &**expr).chain(conditions.iter().map(|when| &when.result));
                self.common(branches.map(ty))
            }
            Expr::Subquery(query) => match &self.typed(query, scope, withs)?[..] {
                [column] => column.ty.clone().map(known),
                _ => None,
            },
            Expr::Array(array) => {
                let element = self.common(array.elem.iter().map(ty)).map(known)?;
                Some(DataType { dims: 1, args: Vec::new(), ..element })
            }
            Expr::Interval(_) => builtin("interval"),
            Expr::AtTimeZone { timestamp, .. } => match ty(timestamp)?.name.as_str() {
                "timestamptz" => builtin("timestamp"),
                "timetz" => builtin("timetz"),
                _ => builtin("timestamptz"),
            },
            Expr::Extract { .. } => builtin("numeric"),
            Expr::Ceil { expr, .. } => self.called(&["ceil".into()], &[ty(expr)]),
            Expr::Floor { expr, .. } => self.called(&["floor".into()], &[ty(expr)]),
            Expr::Position { .. } => builtin("int"),
            Expr::Substring { expr, .. } | Expr::Trim { expr, .. } | Expr::Overlay { expr, .. } => match ty(expr)? {
                ty if specc_facts::family(&ty.name) == Family::Bytes => Some(ty),
                _ => builtin("text"),
            },
            Expr::Tuple(_) => builtin("record"),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let mut at = ty(root)?;
                for access in access_chain {
                    at = match access {
                        AccessExpr::Dot(field) => {
                            let name = crate::query::output_name(field);
                            let fields = self.known.fields(&at.schema, &at.name).filter(|_| at.dims == 0)?;
                            fields.into_iter().find(|column| column.name == name)?.ty?
                        }
                        // A part of an array is an element; of a `jsonb`, again one.
                        AccessExpr::Subscript(_) => DataType { dims: at.dims.saturating_sub(1), ..at },
                    };
                }
                Some(at)
            }
            Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::InUnnest { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsJson { .. }
            | Expr::IsNormalized { .. }
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::Exists { .. } => builtin("boolean"),
            _ => None,
        }
    }

    /// The columns of a query of which only the types count.
    fn typed(&self, query: &Query, scope: &Scope<'_>, withs: &Withs) -> Option<Vec<Column>> {
        self.typed.set(self.typed.get() + 1);
        let columns = self.query(query, Some(scope), withs);
        self.typed.set(self.typed.get() - 1);
        columns
    }

    /// A name that is no column: a whole row, or a word such as `current_date`.
    fn other_name(&self, scope: &Scope<'_>, expr: &Expr) -> Option<DataType> {
        let Expr::Identifier(ident) = expr else { return None };
        let name = folded(ident);
        if let Some(row) = scope.row(&name) {
            return Some(row_type(row));
        }
        specc_facts::grammar(&name).and_then(|grammar| grammar.value).and_then(builtin)
    }

    fn call(&self, scope: &Scope<'_>, withs: &Withs, call: &Function, depth: usize) -> Option<DataType> {
        let idents: Vec<&Ident> = crate::find::idents(&call.name)?;
        let names: Vec<SmolStr> = idents.iter().map(|ident| folded(ident)).collect();
        let mut types: Vec<Option<DataType>> = match &call.args {
            FunctionArguments::None => {
                let value = specc_facts::grammar(names.last()?).and_then(|grammar| grammar.value);
                return value.and_then(builtin).or_else(|| self.called(&names, &[]));
            }
            FunctionArguments::Subquery(query) => {
                let element = self.typed(query, scope, withs)?.first()?.ty.clone().map(known)?;
                return Some(DataType { dims: 1, args: Vec::new(), ..element });
            }
            FunctionArguments::List(list) if depth < DEEP => {
                list.args.iter().filter_map(|arg| self.argument_type(scope, withs, arg)).collect()
            }
            FunctionArguments::List(_) => return None,
        };
        if let [name] = &names[..] {
            match name.as_str() {
                "coalesce" | "greatest" | "least" => return self.common(types.into_iter()),
                "nullif" => return types.into_iter().next().flatten().map(known),
                _ => {}
            }
        }
        types.extend(call.within_group.iter().map(|order| self.ty_at(scope, withs, &order.expr, depth + 1)));
        self.called(&names, &types)
    }

    /// The type of an argument; none for the star of `count(*)`, which is none.
    pub(super) fn argument_type(
        &self,
        scope: &Scope<'_>,
        withs: &Withs,
        arg: &FunctionArg,
    ) -> Option<Option<DataType>> {
        if let Some(expr) = argument(arg) {
            return Some(self.ty(scope, withs, expr));
        }
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                let row = crate::find::idents(name)?.last().map(|ident| folded(ident))?;
                Some(scope.row(&row).map(row_type))
            }
            _ => None,
        }
    }

    /// What a function of this name gives for arguments of these types.
    pub(super) fn called(&self, names: &[SmolStr], types: &[Option<DataType>]) -> Option<DataType> {
        if let Some(routine) = self.routine(names, types) {
            return match (&routine.returns, &routine.columns[..]) {
                (Some(ty), _) => Some(ty.clone()),
                (None, [column]) => column.ty.clone(),
                _ => builtin("record"),
            };
        }
        let (schema, name) = match names {
            [name] => (None, name),
            [schema, name] => (Some(schema.as_str()), name),
            _ => return None,
        };
        if let Some(schema) = schema
            && let Some((_, result)) = specc_facts::platform_function(schema, name)
        {
            return Some(DataType { dims: u8::from(result.array), ..DataType::builtin(result.name) });
        }
        let types: Vec<_> = types.iter().map(|ty| self.plain(ty.clone())).collect();
        choose(specc_facts::functions(name), &types, Choice::Call)
    }

    /// What an operator gives.
    fn operated(&self, name: &str, types: &[Option<DataType>]) -> Option<DataType> {
        if matches!(name, "=" | "<>" | "!=" | "<" | "<=" | ">" | ">=") {
            return builtin("boolean");
        }
        let types: Vec<_> = types.iter().map(|ty| self.plain(ty.clone())).collect();
        choose(specc_facts::operators(name), &types, Choice::Operator)
    }

    /// The type below a domain, which operators and functions take.
    fn plain(&self, ty: Option<DataType>) -> Option<DataType> {
        let mut ty = ty?;
        for _ in 0..8 {
            match self.domain(&ty) {
                Some(domain) => ty = domain.base.clone(),
                None => break,
            }
        }
        Some(DataType { args: Vec::new(), ..ty })
    }

    /// The function of the catalog that a call means: of those of the name that take so many arguments, the one whose
    /// types fit best.
    pub(super) fn routine(&self, names: &[SmolStr], types: &[Option<DataType>]) -> Option<Routine> {
        let all = match names {
            [schema, name] => self.known.functions(schema, name).found(),
            [name] => {
                let path = self.known.path().iter();
                path.map(|schema| self.known.functions(schema, name)).find_map(Lookup::found)
            }
            _ => None,
        };
        let takes = |routine: &Routine| {
            let inputs = routine.params.iter().filter(|param| param.is_input());
            let needed = inputs.clone().filter(|param| !param.default && param.mode != "variadic").count();
            let variadic = inputs.clone().any(|param| param.mode == "variadic");
            types.len() >= needed && (variadic || types.len() <= inputs.count())
        };
        let fit = |routine: &Routine| {
            let inputs = routine.params.iter().filter(|param| param.is_input());
            let same = |(wanted, given): &(Option<DataType>, &Option<DataType>)| wanted == *given;
            inputs.map(|param| self.plain(param.ty.clone())).zip(types).filter(same).count()
        };
        let mut best: Option<(usize, Routine)> = None;
        for routine in all?.into_iter().filter(takes) {
            let fits = fit(&routine);
            if best.as_ref().is_none_or(|(most, _)| fits > *most) {
                best = Some((fits, routine));
            }
        }
        best.map(|(_, routine)| routine)
    }

    /// The type of several values that become one: the first that is known, or one that it becomes by itself.
    pub(super) fn common(&self, types: impl Iterator<Item = Option<DataType>>) -> Option<DataType> {
        let mut found: Option<DataType> = None;
        for ty in types {
            let ty = ty?;
            found = Some(match found {
                None => ty,
                Some(before) if is_literal(&before) => ty,
                Some(before) if is_literal(&ty) || before == ty => before,
                Some(before) if before.name == ty.name && before.dims == ty.dims => {
                    DataType { args: Vec::new(), ..before }
                }
                Some(before) => super::resolve::wider(self.plain(Some(before))?, self.plain(Some(ty))?),
            });
        }
        found
    }

    /// The type that is written in a cast.
    pub(super) fn written_type(&self, data_type: &SqlType) -> Option<DataType> {
        match data_type {
            SqlType::Custom(name, _) => {
                let idents: Vec<&Ident> = crate::find::idents(name)?;
                let names: Vec<SmolStr> = idents.iter().map(|ident| folded(ident)).collect();
                if idents.iter().any(|ident| ident.quote_style.is_some() && ident.value == "char") {
                    return builtin("\"char\"");
                }
                match &names[..] {
                    [name] => self.type_named(None, name),
                    [schema, name] => self.type_named(Some(schema), name),
                    _ => None,
                }
            }
            SqlType::Array(
                ArrayElemTypeDef::SquareBracket(inner, _)
                | ArrayElemTypeDef::AngleBracket(inner)
                | ArrayElemTypeDef::Parenthesis(inner),
            ) => Some(DataType { dims: 1, args: Vec::new(), ..self.written_type(inner)? }),
            other => self.type_named(None, &crate::types::spelled(other)),
        }
    }

    fn type_named(&self, schema: Option<&str>, name: &str) -> Option<DataType> {
        if schema.is_none_or(|schema| schema == "pg_catalog")
            && let Lookup::Found(found) = self.known.data_type("pg_catalog", name)
        {
            return Some(found);
        }
        let found = match schema {
            Some(schema) => self.known.data_type(schema, name).found(),
            None => self.known.path().iter().find_map(|schema| self.known.data_type(schema, name).found()),
        };
        // What an extension brings is in no catalog.
        let extended = || specc_facts::type_info(name).map(|info| DataType::builtin(info.name));
        found.or_else(extended)
    }

    /// Whether an expression calls an aggregate, a window function or one that gives many rows: nothing is written through a
    /// view that does.
    pub(super) fn is_special(&self, expr: &Expr) -> bool {
        let mut found = false;
        super::certain::each_call(expr, &mut |call| {
            let names: Vec<SmolStr> =
                crate::find::idents(&call.name).unwrap_or_default().iter().map(|ident| folded(ident)).collect();
            let Some(name) = names.last() else { return };
            let of = specc_facts::functions(name);
            let own = self.gives_rows(&names);
            let built_in = of.iter().any(|variant| variant.set || variant.kind != specc_facts::Kind::Function);
            found |= call.over.is_some() || own.unwrap_or(built_in);
        });
        found
    }

    /// Whether a function of the catalog gives many rows; none where there is no such function.
    fn gives_rows(&self, names: &[SmolStr]) -> Option<bool> {
        let routine =
            self.routine(names, &[]).or_else(|| (1..8).find_map(|count| self.routine(names, &vec![None; count])))?;
        let id = specc_catalog::ObjectId::new(
            specc_catalog::Kind::Function,
            routine.name.schema.clone(),
            routine.name.name.clone(),
        );
        match self.catalog.get(&id.part(routine.signature)).map(|entry| &entry.object) {
            Some(specc_catalog::Object::Function(function)) => Some(matches!(
                function.returns,
                Some(specc_catalog::Returns::SetOf(_) | specc_catalog::Returns::Table(_))
            )),
            _ => Some(false),
        }
    }
}

/// The type of a whole row.
fn row_type(row: &Source) -> DataType {
    match &row.relation {
        Some(of) => DataType { schema: of.schema.clone(), ..DataType::builtin(of.name.clone()) },
        None => DataType::builtin("record"),
    }
}

/// A literal that nothing gives a type is text.
pub(super) fn known(ty: DataType) -> DataType {
    if is_literal(&ty) { DataType::builtin("text") } else { ty }
}

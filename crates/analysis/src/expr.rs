//! Expressions.

use crate::query::plain;
use crate::scope::Ty;
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};
use specc_expr::RowOfStar;
use specc_expr::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Ident, Query, SelectItem, SetExpr, Spanned, Subscript, UnaryOperator, Value,
    ValueWithSpan,
};

/// The type that all of these have: literals take it, and are texts where there is no other; of what is not known nothing is.
pub(crate) fn common<'e>(mut values: impl Iterator<Item = (&'e Expr, Ty)>) -> Ty {
    let mut found: Ty = None;
    let mut texts = false;
    let same = values.all(|(expr, ty)| {
        let text = matches!(expr, Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_)));
        texts |= text;
        let literal = text || matches!(expr, Expr::Value(v) if matches!(v.value, Value::Null));
        if found.is_none() && !literal {
            found = ty.clone();
        }
        literal || ty.is_some() && ty == found
    });
    found.or_else(|| plain("text").filter(|_| texts)).filter(|_| same)
}

/// The literal that is all that a query gives is a text.
fn literal_of_query(query: &Query) -> Ty {
    let SetExpr::Select(select) = &*query.body else { return None };
    match &select.projection[..] {
        [SelectItem::UnnamedExpr(Expr::Value(value)) | SelectItem::ExprWithAlias { expr: Expr::Value(value), .. }] => {
            plain("text").filter(|_| matches!(value.value, Value::SingleQuotedString(_)))
        }
        _ => None,
    }
}

impl Walk<'_> {
    /// Resolves an expression and gives its type.
    pub(crate) fn expr(&mut self, part: &Part<'_>, expr: &Expr) -> Ty {
        self.depth += 1;
        let ty = if self.deep() { None } else { self.node(part, expr) };
        self.depth -= 1;
        ty
    }

    fn node(&mut self, part: &Part<'_>, expr: &Expr) -> Ty {
        match expr {
            // No name: the word is reserved.
            Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default") => {
                None
            }
            Expr::Identifier(ident) => self.name(part, &[ident]),
            Expr::CompoundIdentifier(parts) => self.name(part, &parts.iter().collect::<Vec<_>>()),
            Expr::Value(value) => self.value(part, value),
            Expr::Nested(inner) => self.expr(part, inner),
            Expr::BinaryOp { left, op, right } => self.binary(part, expr, left, op, right),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                self.condition(part, "not", expr);
                plain("boolean")
            }
            Expr::UnaryOp { op, expr: inner } => {
                let (whole, expr) = (expr, inner);
                let ty = self.expr(part, expr);
                match op {
                    UnaryOperator::Plus | UnaryOperator::Minus => {
                        self.signed(part, whole, op, &ty);
                        ty
                    }
                    _ => None,
                }
            }
            Expr::Function(call) => self.call(part, call),
            Expr::Cast { expr: inner, data_type, .. } => self.cast(part, inner, data_type),
            Expr::TypedString(typed) => {
                let ty = self.data_type(part, &typed.data_type);
                self.literal_of(part, &typed.value, &typed.data_type, &ty);
                ty
            }
            Expr::InList { expr: inner, list, .. } => {
                let ty = self.expr(part, inner);
                let mut types = Vec::new();
                for item in list {
                    self.equal_rows(part, inner, item);
                    let given = self.against(part, inner, item);
                    self.operands(part, item, &BinaryOperator::Eq, &ty, &given);
                    types.push(given);
                }
                // All are of one type, which another item may decide.
                let values = std::iter::once(&**inner).chain(list).zip(std::iter::once(ty.clone()).chain(types));
                let one = common(values);
                for item in list {
                    self.wanted(part, item, &one.clone().or_else(|| self.enum_of(&ty)));
                }
                plain("boolean")
            }
            Expr::InSubquery { expr: inner, subquery, .. } => {
                self.expr(part, inner);
                self.compared(part, inner, subquery);
                plain("boolean")
            }
            Expr::Between { expr: inner, low, high, .. } => {
                let ty = self.expr(part, inner);
                self.all(part, &[low, high]);
                self.wanted(part, low, &ty);
                self.wanted(part, high, &ty);
                plain("boolean")
            }
            Expr::Like { expr: inner, pattern, .. }
            | Expr::ILike { expr: inner, pattern, .. }
            | Expr::SimilarTo { expr: inner, pattern, .. } => {
                let (a, b) = (self.expr(part, inner), self.expr(part, pattern));
                self.like(part, expr, &a, &b);
                plain("boolean")
            }
            Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => {
                self.condition(part, "is", inner);
                plain("boolean")
            }
            Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsJson { expr: inner, .. }
            | Expr::IsNormalized { expr: inner, .. } => self.all(part, &[inner]),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.compare(part, left, right);
                plain("boolean")
            }
            Expr::AnyOp { left, right, compare_op, .. } | Expr::AllOp { left, right, compare_op } => {
                let ty = self.expr(part, left);
                match &**right {
                    Expr::Subquery(query) => drop(self.compared(part, left, query)),
                    right => {
                        let given = self.expr(part, right);
                        self.each_of(part, right, compare_op, &ty, &given);
                        let element = given.filter(|given| given.dims > 0);
                        self.wanted(part, left, &element.map(|ty| DataType { dims: 0, args: Vec::new(), ..ty }));
                        let list = ty.filter(|ty| ty.dims == 0).map(|ty| DataType { dims: 1, args: Vec::new(), ..ty });
                        self.wanted(part, right, &list);
                    }
                }
                plain("boolean")
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let subject = operand.as_ref().map(|operand| self.expr(part, operand));
                let mut results: Vec<(&Expr, Ty)> = Vec::new();
                for when in conditions {
                    if let Some(ty) = &subject {
                        self.wanted(part, &when.condition, ty);
                    }
                    match &subject {
                        Some(ty) => {
                            let given = self.expr(part, &when.condition);
                            self.operands(part, &when.condition, &BinaryOperator::Eq, ty, &given);
                        }
                        None => self.condition(part, "when", &when.condition),
                    }
                    let ty = self.expr(part, &when.result);
                    results.push((&when.result, ty));
                }
                if let Some(expr) = else_result {
                    let ty = self.expr(part, expr);
                    results.push((expr, ty));
                }
                let conditions = conditions.iter().map(|when| &when.condition);
                let parts = conditions.chain(results.iter().map(|(expr, _)| *expr));
                parts.for_each(|expr| self.no_set(part, expr, "case"));
                self.one_type(part, "`case`", results.iter().map(|(expr, ty)| (*expr, ty)));
                let one = common(results.iter().cloned());
                results.iter().for_each(|(expr, _)| self.wanted(part, expr, &one));
                one
            }
            Expr::Exists { subquery, .. } => {
                self.query(part, subquery);
                plain("boolean")
            }
            Expr::Subquery(query) => {
                let output = self.query(part, query);
                self.one_value(part, query, &output);
                match &output.columns[..] {
                    [(_, ty)] if output.complete => ty.clone().or_else(|| literal_of_query(query)),
                    _ => None,
                }
            }
            Expr::Array(array) => {
                let types = array.elem.iter().map(|item| self.expr(part, item)).collect::<Vec<_>>();
                let one = common(array.elem.iter().zip(types));
                one.map(|ty| DataType { dims: 1, args: Vec::new(), ..ty })
            }
            Expr::Interval(interval) => {
                self.expr(part, &interval.value);
                plain("interval")
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                self.all(part, &[timestamp, time_zone]);
                if let Expr::Value(zone) = &**time_zone {
                    self.zone(part, zone);
                }
                None
            }
            Expr::Collate { expr: inner, collation } => {
                let ty = self.expr(part, inner);
                if let Some(written) = crate::find::idents(collation) {
                    self.collation(part, &written);
                }
                self.collated(part, inner, &ty);
                ty
            }
            Expr::Extract { field, expr: inner, .. } => {
                let ty = self.expr(part, inner);
                self.field(part, field, inner, &ty);
                plain("numeric")
            }
            Expr::Ceil { expr: inner, .. } | Expr::Floor { expr: inner, .. } => {
                self.expr(part, inner);
                None
            }
            Expr::Position { expr: inner, r#in } => {
                self.all(part, &[inner, r#in]);
                plain("int")
            }
            Expr::Substring { expr: inner, substring_from, substring_for, .. } => {
                self.expr(part, inner);
                for expr in [substring_from, substring_for].into_iter().flatten() {
                    self.expr(part, expr);
                }
                None
            }
            Expr::Trim { expr: inner, trim_what, trim_characters, .. } => {
                self.expr(part, inner);
                for expr in trim_what.iter().map(|e| &**e).chain(trim_characters.iter().flatten()) {
                    self.expr(part, expr);
                }
                None
            }
            Expr::Overlay { expr: inner, overlay_what, overlay_from, overlay_for } => {
                self.all(part, &[inner, overlay_what, overlay_from]);
                if let Some(expr) = overlay_for {
                    self.expr(part, expr);
                }
                None
            }
            Expr::Tuple(items) => {
                for item in items {
                    self.expr(part, item);
                }
                crate::scope::record()
            }
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                for item in sets.iter().flatten() {
                    self.expr(part, item);
                }
                None
            }
            Expr::CompoundFieldAccess { root, access_chain } => match specc_expr::row_of_star(expr) {
                Some(row) => {
                    self.row_of_star(part, row);
                    None
                }
                None => self.access(part, root, access_chain),
            },
            Expr::QualifiedWildcard(name, _) => {
                if let Some(written) = crate::find::idents(name) {
                    self.name(part, &written)
                } else {
                    None
                }
            }
            Expr::Prefixed { value, .. } => {
                let ty = self.expr(part, value);
                if specc_expr::is_document(expr) { plain("boolean") } else { ty }
            }
            Expr::Named { expr: inner, .. } => self.expr(part, inner),
            Expr::InUnnest { expr: inner, array_expr, .. } => self.all(part, &[inner, array_expr]),
            _ => None,
        }
    }

    /// Parts of something that is true or false.
    fn all(&mut self, part: &Part<'_>, exprs: &[&Expr]) -> Ty {
        for expr in exprs {
            self.expr(part, expr);
        }
        plain("boolean")
    }

    fn value(&mut self, part: &Part<'_>, value: &ValueWithSpan) -> Ty {
        match &value.value {
            Value::Number(digits, _) => {
                if digits.contains(['.', 'e', 'E']) {
                    plain("numeric")
                } else if digits.bytes().all(|b| b.is_ascii_digit()) {
                    let long = if digits.parse::<i64>().is_ok() { "bigint" } else { "numeric" };
                    plain(if digits.parse::<i32>().is_ok() { "int" } else { long })
                } else {
                    // In another base, or with `_` between its digits.
                    None
                }
            }
            Value::Boolean(_) => plain("boolean"),
            Value::Placeholder(name) => {
                let at: usize = name.strip_prefix('$')?.parse().ok()?;
                if self.all_numbered && !(1..=self.numbered.len()).contains(&at) {
                    let message = format!("there is no parameter `{name}`");
                    let help = match self.numbered.len() {
                        0 => "the function has no parameters".to_owned(),
                        last => format!("the last is `${last}`"),
                    };
                    self.report_at(part, value.span, Problem::UnknownVariable, message, Some(help));
                }
                self.numbered.get(at.checked_sub(1)?).cloned().flatten()
            }
            _ => None,
        }
    }

    fn binary(&mut self, part: &Part<'_>, whole: &Expr, left: &Expr, op: &BinaryOperator, right: &Expr) -> Ty {
        use BinaryOperator as Op;
        match op {
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
                let before = self.out.references.len();
                let (a, b) = self.compare(part, left, right);
                if *op == Op::Eq && a == b {
                    self.same_column(part, whole, left, right, before);
                }
                self.operands(part, whole, op, &a, &b);
                plain("boolean")
            }
            Op::And | Op::Or => {
                let place = if *op == Op::And { "and" } else { "or" };
                self.condition(part, place, left);
                self.condition(part, place, right);
                plain("boolean")
            }
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => {
                let (a, b) = (self.expr(part, left), self.expr(part, right));
                self.operands(part, whole, op, &a, &b);
                self.literal_beside(part, left, op, right, &a, &b);
                self.given_by(op, &a, &b)
            }
            _ => {
                let (a, b) = (self.against(part, right, left), self.against(part, left, right));
                self.operands(part, whole, op, &a, &b);
                self.key_of_row(part, left, op, right);
                if matches!(op, Op::PGOverlap | Op::AtArrow | Op::ArrowAt) {
                    self.wanted(part, left, &self.enums_of(&b));
                    self.wanted(part, right, &self.enums_of(&a));
                }
                self.given_by(op, &a, &b)
            }
        }
    }

    /// Resolves one side of a comparison: a query beside a row has the columns of that row.
    fn against(&mut self, part: &Part<'_>, other: &Expr, expr: &Expr) -> Ty {
        match expr {
            Expr::Subquery(query) if crate::places::width(other).is_some() => {
                self.compared(part, other, query);
                None
            }
            _ => self.expr(part, expr),
        }
    }

    /// Resolves both sides; a literal is read as the type of the other side.
    fn compare(&mut self, part: &Part<'_>, left: &Expr, right: &Expr) -> (Ty, Ty) {
        self.equal_rows(part, left, right);
        let (a, b) = (self.against(part, right, left), self.against(part, left, right));
        self.wanted(part, left, &b);
        self.wanted(part, right, &a);
        (a, b)
    }

    /// `m.org_id = org_id` where both are the same column.
    fn same_column(&mut self, part: &Part<'_>, whole: &Expr, left: &Expr, right: &Expr, before: usize) {
        let simple = |expr: &Expr| matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        let (Some(a), Some(b)) = (self.row_and_column(left), self.row_and_column(right)) else { return };
        if !simple(left) || !simple(right) || a != b || self.out.references.len() <= before {
            return;
        }
        let name = a.2;
        let outer = self.levels[..self.levels.len() - 1].iter().rev().flat_map(|level| &level.sources);
        let outer = outer.filter(|source| source.column(&name).is_some()).map(|source| source.name.clone()).next();
        let help = match outer {
            Some(row) => format!("write `{row}.{name}` for the column of the row outside"),
            None => format!("write `{name} is not null` if that is meant"),
        };
        let message = format!("both sides are `{name}` of the same row");
        self.report_at(part, whole.span(), Problem::SameColumn, message, Some(help));
    }

    /// The level, the row and the column that a name leads to.
    fn row_and_column(&self, expr: &Expr) -> Option<(usize, usize, SmolStr)> {
        match expr {
            Expr::Identifier(ident) => {
                let name = folded(ident);
                if self.conflicting(&name).is_some() {
                    return None;
                }
                for (at, level) in self.levels.iter().enumerate().rev() {
                    let tables = level.sources.iter().enumerate().filter(|(_, s)| !s.named_only);
                    if let Some((n, _)) = tables.clone().find(|(_, source)| source.column(&name).is_some()) {
                        return Some((at, n, name));
                    }
                    if tables.clone().any(|(_, source)| !source.complete) {
                        return None;
                    }
                }
                None
            }
            Expr::CompoundIdentifier(parts) => {
                let names: Vec<SmolStr> = parts.iter().map(folded).collect();
                let (at, n, used) = self.source_of(&names)?;
                match &names[used..] {
                    [name] => Some((at, n, name.clone())),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn cast(&mut self, part: &Part<'_>, inner: &Expr, data_type: &specc_expr::sqlparser::ast::DataType) -> Ty {
        let ty = self.data_type(part, data_type);
        match inner {
            Expr::Value(value) => {
                self.literal_of(part, value, data_type, &ty);
                let given = self.value(part, value);
                self.cast_to(part, inner, &given, &ty);
            }
            _ => {
                let given = self.expr(part, inner);
                if let Some(values) = crate::places::values_of(inner) {
                    let row = ty.as_ref().filter(|ty| ty.dims == 0);
                    if let (Some(ty), Some(place)) = (row, part.place(inner.span())) {
                        self.out.by_order.push((place, Qualified::new(ty.schema.clone(), ty.name.clone())));
                    }
                    let fields = row.and_then(|ty| self.env.fields(&ty.schema, &ty.name)).unwrap_or_default();
                    values.into_iter().zip(fields).for_each(|(value, field)| self.wanted(part, value, &field.ty));
                }
                if matches!(inner, Expr::Array(_)) {
                    self.wanted_elements(part, inner, &ty);
                } else {
                    self.cast_to(part, inner, &given, &ty);
                }
            }
        }
        ty
    }

    /// The type, where it is an enum.
    fn enum_of(&self, ty: &Ty) -> Ty {
        ty.clone().filter(|ty| self.env.labels(&ty.schema, &ty.name).is_some())
    }

    /// The type, where it is an array of enums.
    pub(crate) fn enums_of(&self, ty: &Ty) -> Ty {
        self.enum_of(ty).filter(|ty| ty.dims > 0)
    }

    /// The type of the row whose fields `(row).*` gives.
    pub(crate) fn row_of_star(&mut self, part: &Part<'_>, row: RowOfStar<'_>) -> Ty {
        let ty = self.access(part, row.root, row.fields).filter(|ty| ty.dims == 0)?;
        self.env.fields(&ty.schema, &ty.name)?;
        self.refer_at(part.place(row.star.span), Target::Columns(Qualified::new(ty.schema.clone(), ty.name.clone())));
        Some(ty)
    }

    fn access(&mut self, part: &Part<'_>, root: &Expr, chain: &[AccessExpr]) -> Ty {
        // `new.tags[1]` begins with a name of several parts.
        let mut head: Vec<&Ident> = Vec::new();
        let mut used = 0;
        match root {
            Expr::Identifier(ident) => head.push(ident),
            Expr::CompoundIdentifier(parts) => head.extend(parts),
            _ => {}
        }
        if !head.is_empty() {
            for access in chain {
                let AccessExpr::Dot(Expr::Identifier(ident)) = access else { break };
                head.push(ident);
                used += 1;
            }
        }
        let mut ty = if head.is_empty() { self.expr(part, root) } else { self.name(part, &head) };
        // Beside a slice, an index is one too.
        let slices = chain.iter().any(|access| matches!(access, AccessExpr::Subscript(Subscript::Slice { .. })));
        for access in &chain[used..] {
            ty = match access {
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    self.expr(part, index);
                    // However deep an array is, one element of it is no array.
                    ty.filter(|ty| ty.dims > 0 && !slices).map(|ty| DataType { dims: 0, args: Vec::new(), ..ty })
                }
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, .. }) => {
                    for bound in [lower_bound, upper_bound].into_iter().flatten() {
                        self.expr(part, bound);
                    }
                    ty
                }
                AccessExpr::Dot(Expr::Identifier(ident)) => match (ty, part.place(ident.span)) {
                    (Some(ty), Some(place)) => self.field_of_type(&ty, place, &folded(ident)),
                    _ => None,
                },
                AccessExpr::Dot(_) => None,
            };
        }
        ty
    }
}

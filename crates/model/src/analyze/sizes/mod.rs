//! Sizes: whose rows, how many, and what their columns hold; and what cannot be so.

mod queries;

use super::collect::Decls;
use super::exprs::Exprs;
use super::fields::{list, unknown_field};
use super::project::{Project, Seen, sorted};
use super::seeds::split;
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_syntax::ast::{self, SizeTrait};

/// Reads sizes and queries, when all else is known.
pub(super) fn sizes_and_queries(
    project: &Project<'_>,
    decls: &Decls<'_>,
    model: &mut Model,
    out: &mut Vec<Diagnostic>,
) {
    let exprs = Exprs::new(project, model);
    let sizes = sizes(project, &exprs, decls, out);
    let queries = queries::queries(project, &exprs, decls, out);
    (model.sizes, model.queries) = (sizes, queries);
    check(model, out);
}

/// All sizes.
fn sizes(project: &Project<'_>, exprs: &Exprs<'_>, decls: &Decls<'_>, out: &mut Vec<Diagnostic>) -> Vec<Size> {
    let mut seen: Seen<(Option<SmolStr>, EntityId)> = Seen::new();
    let mut all = Vec::new();
    for (_, d) in &decls.sizes {
        let env = d.env.as_ref().map(|env| env.text.clone());
        out.extend(d.env.as_ref().and_then(|env| nobodys(exprs.model, env)));
        for rows in &d.rows {
            let Some(id) = project.entity(&rows.entity, out) else { continue };
            let message = || {
                let name = &rows.entity.name.text;
                (format!("the size of `{name}` is said twice"), "keep one of the two".to_owned())
            };
            if !seen.add((env.clone(), id), rows.entity.span(), codes::DUPLICATE_NAME, message, out) {
                continue;
            }
            let Some(count) = count(exprs.model, id, &rows.count, out) else { continue };
            let mut columns: Vec<SizedColumn> = Vec::new();
            for column in &rows.columns {
                let entity = exprs.model.entity(id);
                let Some(field) = entity.field(&column.name.text) else {
                    out.push(unknown_field(entity, &column.name.text, column.name.at.0));
                    continue;
                };
                if columns.iter().any(|known| known.field == field) {
                    let message = format!("`{}` is described twice", column.name.text);
                    let found = Diagnostic::new(codes::DUPLICATE_NAME, column.name.at.0, message);
                    out.push(found.help("say all of it on one line"));
                    continue;
                }
                columns.push(Column { exprs, entity, field, out }.read(column));
            }
            all.push(Size { env: env.clone(), entity: id, count, columns, span: rows.entity.span() });
        }
    }
    all
}

/// A size of an environment that nobody knows counts nowhere.
fn nobodys(model: &Model, env: &ast::Name) -> Option<Diagnostic> {
    let known = model.environments();
    if known.iter().any(|known| **known == env.text) {
        return None;
    }
    let near = specc_diag::nearest(&env.text, known.iter().map(|name| name.as_str()));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if env.text == "base" => "`base` is every environment: leave `in base` away".to_owned(),
        None => format!(
            "name one that has a `seed` or that specc.toml has: `seed {0} {{ … }}`, or `[environments.{0}]`",
            env.text
        ),
    };
    Some(bad(env.at.0, format!("there is no environment `{}`", env.text), help))
}

fn bad(span: Span, message: String, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::BAD_SIZE, span, message).help(help)
}

/// More rows than a table has.
const MOST_ROWS: u64 = 1_000_000_000_000;

fn count(model: &Model, id: EntityId, count: &ast::SizeCount, out: &mut Vec<Diagnostic>) -> Option<Count> {
    match count {
        ast::SizeCount::Rows { rows, at } => {
            if *rows > MOST_ROWS {
                out.push(bad(at.0, format!("{rows} rows are too many"), "write at most 1_000_000_000_000"));
                return None;
            }
            Some(Count::Rows(*rows))
        }
        ast::SizeCount::Per { each, path, skew } => {
            let entity = model.entity(id);
            let relations = || entity.outgoing.iter().map(|id| model.relation(*id));
            let Some(relation) = relations().find(|relation| relation.path == path.text) else {
                let paths = sorted(relations().map(|relation| relation.path.as_str()));
                let help = match nearest(&path.text, paths.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if paths.is_empty() => format!("write a number: `{} 1000`", entity.name.name),
                    None => format!("its references lead to {}", list(&paths)),
                };
                let message = format!("`{}` has no reference called `{}`", entity.name.name, path.text);
                out.push(bad(path.at.0, message, help));
                return None;
            };
            let number = value(each);
            if number <= 0.0 || number > 1e9 {
                let message = format!("{} rows per `{}` cannot be", each.text, path.text);
                out.push(bad(each.at.0, message, "write a number above 0, such as `0.5` or `40`"));
                return None;
            }
            let skew = skew.as_ref().map_or(Skew::Uniform, |skew| self::skew(skew, out));
            if relation.inverse_one && number > 1.0 {
                let message = format!("a row of `{}` has one of `{}` at most", path.text, entity.name.name);
                let found = bad(each.at.0, message, "write a number up to 1: the share that has one");
                out.push(found.also(relation.span, "this reference is unique"));
                return None;
            }
            Some(Count::Per { each: number, relation: relation.id, skew })
        }
    }
}

fn value(amount: &ast::Amount) -> f64 {
    amount.text.parse().unwrap_or(f64::NAN)
}

/// The usual power of a zipf distribution.
const USUAL: f64 = 1.0;

fn skew(skew: &ast::Skew, out: &mut Vec<Diagnostic>) -> Skew {
    if let Some(exponent) = &skew.exponent {
        let number = value(exponent);
        let fits = skew.zipf && number > 0.0 && number <= 4.0;
        if !fits {
            let message = match skew.zipf {
                true => format!("`zipf {}` cannot be", exponent.text),
                false => "`uniform` takes no number".to_owned(),
            };
            out.push(bad(exponent.at.0, message, "write `zipf`, or `zipf 1.2` with a number up to 4"));
            return Skew::Uniform;
        }
        return Skew::Zipf(number);
    }
    if skew.zipf { Skew::Zipf(USUAL) } else { Skew::Uniform }
}

/// One column that is described.
struct Column<'r> {
    exprs: &'r Exprs<'r>,
    entity: &'r Entity,
    field: FieldIx,
    out: &'r mut Vec<Diagnostic>,
}

impl Column<'_> {
    fn bad(&mut self, span: Span, message: String, help: impl Into<String>) {
        self.out.push(bad(span, message, help));
    }

    fn read(&mut self, d: &ast::SizeColumn) -> SizedColumn {
        let span = d.name.at.0;
        let mut column = SizedColumn {
            field: self.field,
            distinct: None,
            nulls: None,
            width: None,
            correlation: None,
            between: None,
            skew: None,
            shares: Vec::new(),
            span,
        };
        let name = &d.name.text;
        for part in &d.traits {
            let (again, at) = match part {
                SizeTrait::Distinct { at, .. } => (column.distinct.is_some(), *at),
                SizeTrait::Nulls(amount) => (column.nulls.is_some(), amount.at),
                SizeTrait::Width { at, .. } => (column.width.is_some(), *at),
                SizeTrait::Correlation(amount) => (column.correlation.is_some(), amount.at),
                SizeTrait::Between(raw) => (column.between.is_some(), raw.at),
                SizeTrait::Skew(skew) => (column.skew.is_some(), skew.at),
                SizeTrait::Share { value, .. } => {
                    (column.shares.iter().any(|(known, _)| *known == value.text), value.at)
                }
            };
            if again {
                self.bad(at.0, format!("this is said twice of `{name}`"), "keep one of the two");
                continue;
            }
            self.part(&mut column, name, part);
        }
        self.whole(&column, name, span);
        column
    }

    fn part(&mut self, column: &mut SizedColumn, name: &SmolStr, part: &SizeTrait) {
        let field = &self.entity.fields[self.field];
        match part {
            SizeTrait::Distinct { count, at } => match *count {
                0 => self.bad(at.0, format!("`{name}` has some value"), "write `distinct 1` or more"),
                count => column.distinct = Some(count),
            },
            SizeTrait::Nulls(amount) => {
                let Some(share) = self.share(amount) else { return };
                if !field.nullable && share > 0.0 {
                    let message = format!("`{name}` is never null");
                    let help = format!("remove `nulls`, or make it nullable: `{name}: type?`");
                    let found = bad(amount.at.0, message, help).also(field.meta.span, "declared here");
                    self.out.push(found);
                    return;
                }
                column.nulls = Some(share);
            }
            SizeTrait::Width { bytes, at } => match u32::try_from(*bytes) {
                Ok(bytes) if bytes <= 1 << 30 => column.width = Some(bytes),
                _ => self.bad(at.0, format!("a value of `{name}` is no wider than a gigabyte"), "write fewer bytes"),
            },
            SizeTrait::Correlation(amount) => {
                let number = value(amount);
                if !(-1.0..=1.0).contains(&number) {
                    let message = format!("a correlation of {} cannot be", amount.text);
                    self.bad(amount.at.0, message, "write a number from -1 to 1: 1 for values that grow with time");
                    return;
                }
                column.correlation = Some(number);
            }
            SizeTrait::Between(raw) => {
                let parts = split(&raw.text, raw);
                let [low, high] = parts.as_slice() else {
                    let message = format!("`between` takes two values and gets {}", parts.len());
                    self.bad(raw.at.0, message, "write `between (10, 500)`");
                    return;
                };
                let low = self.value(low);
                column.between = low.zip(self.value(high));
            }
            SizeTrait::Skew(said) => column.skew = Some(skew(said, self.out)),
            SizeTrait::Share { value, percent } => {
                let Some(share) = self.share(percent) else { return };
                let literal = format!("'{}'", value.text.replace('\'', "''"));
                let raw = ast::RawExpr { text: literal.into(), at: value.at };
                if self.value(&raw).is_some() {
                    column.shares.push((value.text.clone(), share));
                }
            }
        }
    }

    /// A value of the column's type.
    fn value(&mut self, raw: &ast::RawExpr) -> Option<ExprRef> {
        let before = self.out.len();
        let found = self.exprs.seed_value(raw, &self.entity.fields[self.field].ty, self.out);
        for finding in self.out[before..].iter_mut().filter(|finding| finding.code == codes::SEED_VALUE) {
            finding.code = codes::BAD_SIZE;
        }
        found.filter(|_| !specc_diag::has_errors(&self.out[before..]))
    }

    /// From 0 to 1.
    fn share(&mut self, amount: &ast::Amount) -> Option<f64> {
        let number = value(amount);
        if !(0.0..=100.0).contains(&number) {
            let message = format!("{} % of the rows cannot be", amount.text);
            self.bad(amount.at.0, message, "write a number from 0 to 100");
            return None;
        }
        Some(number / 100.0)
    }

    /// What cannot be together.
    fn whole(&mut self, column: &SizedColumn, name: &SmolStr, span: Span) {
        let shares: f64 = column.shares.iter().map(|(_, share)| share).sum();
        let all = shares + column.nulls.unwrap_or(0.0);
        if all > 1.0 + 1e-9 {
            let message = format!("the shares of `{name}` are {} % of the rows", rounded(all * 100.0));
            self.bad(span, message, "write shares that are 100 % at most; what is left is the other values'");
        }
        if let Some(distinct) = column.distinct.filter(|distinct| (*distinct as usize) < column.shares.len()) {
            let message = format!("`{name}` has {distinct} distinct values, and {} are named", column.shares.len());
            self.bad(span, message, "write as many as are named, or more");
        }
    }
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// What needs all sizes: circles, and more values than there are rows.
fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    if circles(model, out) {
        return;
    }
    for size in &model.sizes {
        let env = size.env.as_deref();
        let entity = model.entity(size.entity);
        let rows = model.rows_of(env, size.entity);
        for column in &size.columns {
            let field = &entity.fields[column.field];
            let unique =
                entity.unique_sets().any(|set| set.filter.is_none() && set.fields.as_deref() == Some(&[column.field]));
            if unique && !column.shares.is_empty() {
                let message = format!("each value of `{}` is there once", field.name);
                out.push(bad(column.span, message, "remove the shares: the column is unique"));
            }
            let Some(distinct) = column.distinct else { continue };
            let most = match (&field.ty.base, field.relation) {
                _ if distinct > rows => Some((rows, "rows")),
                (Base::Enum(id), _) if field.ty.dims == 0 => {
                    Some((model.enums[id.0 as usize].labels.len() as u64, "labels"))
                }
                (Base::Builtin(ty), _) if ty == "boolean" && field.ty.dims == 0 => Some((2, "values")),
                (_, Some(relation)) => Some((model.rows_of(env, model.relation(relation).to), "rows to refer to")),
                _ => None,
            };
            if let Some((most, what)) = most.filter(|(most, _)| distinct > *most) {
                let message = format!("`{}` has {distinct} distinct values, and there are {most} {what}", field.name);
                out.push(bad(column.span, message, format!("write `distinct {most}` or fewer")));
            }
        }
    }
}

/// Sizes that come from each other.
fn circles(model: &Model, out: &mut Vec<Diagnostic>) -> bool {
    let mut found: Vec<EntityId> = Vec::new();
    for size in &model.sizes {
        if found.contains(&size.entity) {
            continue;
        }
        let mut path = vec![size.entity];
        let mut at = size;
        while let Count::Per { relation, .. } = at.count {
            let to = model.relation(relation).to;
            if to == size.entity {
                let names: Vec<&str> =
                    path.iter().chain([&to]).map(|id| model.entity(*id).name.name.as_str()).collect();
                let message = format!("the size of `{}` comes from itself: {}", names[0], names.join(" → "));
                let found_here = Diagnostic::new(codes::SIZE_CIRCLE, size.span, message);
                out.push(found_here.help(format!("write a number of rows for one of them: `{} 1000`", names[0])));
                found.append(&mut path);
                break;
            }
            if path.contains(&to) {
                break;
            }
            path.push(to);
            match model.size_of(size.env.as_deref(), to) {
                Some(next) => at = next,
                None => break,
            }
        }
    }
    !found.is_empty()
}

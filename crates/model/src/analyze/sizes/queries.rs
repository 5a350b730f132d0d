//! Declared queries: who asks what, with which values, and what it may cost.

use super::super::bodies::{called, report};
use super::super::collect::Decls;
use super::super::environment::Known;
use super::super::exprs::Exprs;
use super::super::fields::unknown_field;
use super::super::project::{Project, Seen, check_name};
use super::super::typeref::unknown;
use crate::types::*;
use smol_str::SmolStr;
use specc_analysis::{Analysis, Body, Gives, Language, Parameter};
use specc_catalog::DataType;
use specc_diag::{Diagnostic, codes};
use specc_syntax::ast::{self, QueryDecl};

/// All queries.
pub(super) fn queries(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    decls: &Decls<'_>,
    out: &mut Vec<Diagnostic>,
) -> Vec<Query> {
    decls.queries.iter().filter_map(|(item, d)| query(project, exprs, &item.doc, d, out)).collect()
}

fn query(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    doc: &ast::Doc,
    d: &QueryDecl,
    out: &mut Vec<Diagnostic>,
) -> Option<Query> {
    for at in &d.twice {
        let message = format!("query `{}` says this twice", d.name.text);
        out.push(Diagnostic::new(codes::BAD_QUERY, at.0, message).help("keep one of the two"));
    }
    let params = params(project, exprs, d, out);
    let within = within(d, out);
    if let Some(claims) = d.claims.as_ref().filter(|claims| !specc_facts::is_json_object(&claims.value)) {
        let found = Diagnostic::new(codes::BAD_QUERY, claims.at.0, "claims are a JSON object");
        out.push(found.help(r#"write `claims '{"aal": "aal2"}'`"#));
    }
    let mut entities =
        |names: &[ast::QName]| names.iter().filter_map(|name| project.entity(name, out)).collect::<Vec<_>>();
    let (no_scan, whole) = (entities(&d.no_scan), entities(&d.whole));
    if let Some(at) = no_scan.iter().position(|entity| whole.contains(entity)) {
        let name = &exprs.model.entity(no_scan[at]).name.name;
        let message = format!("query `{}` may read all of `{name}`, and may not scan it", d.name.text);
        out.push(Diagnostic::new(codes::BAD_QUERY, d.name.at.0, message).help("keep one of the two"));
    }
    let (statement, depends, output) = body(project, exprs.model, d, &params, out)?;
    let Some(role) = &d.role else {
        let message = format!("query `{}` does not say who asks", d.name.text);
        let found = Diagnostic::new(codes::BAD_QUERY, d.name.at.0, message);
        out.push(found.help(format!("write the role: `query {} as authenticated`", d.name.text)));
        return None;
    };
    project.check_role(role, out);
    Some(Query {
        meta: project.meta(doc, &d.name, None),
        name: d.name.text.clone(),
        params,
        role: role.text.clone(),
        claims: d.claims.as_ref().map(|claims| claims.value.clone()),
        within,
        rows: d.rows,
        buffers: d.buffers,
        no_scan,
        whole,
        text: d.body.text.clone(),
        statement,
        depends,
        output,
    })
}

fn params(project: &Project<'_>, exprs: &Exprs<'_>, d: &QueryDecl, out: &mut Vec<Diagnostic>) -> Vec<QueryParam> {
    let mut seen: Seen<SmolStr> = Seen::new();
    let mut all = Vec::with_capacity(d.params.len());
    for param in &d.params {
        check_name(&param.name, out);
        let message = || {
            (format!("parameter `{}` is declared twice", param.name.text), "rename or remove one of the two".to_owned())
        };
        seen.add(param.name.text.clone(), param.name.at.0, codes::DUPLICATE_NAME, message, out);
        let ty = project.resolve_type(&param.ty, out);
        let from = param.from.as_ref().and_then(|(entity, column)| {
            let id = project.entity(entity, out)?;
            let entity = exprs.model.entity(id);
            let Some(at) = entity.field(&column.text) else {
                out.push(unknown_field(entity, &column.text, column.at.0));
                return None;
            };
            let of = &entity.fields[at].ty;
            let known = of.base != Base::Unknown && ty.base != Base::Unknown;
            if known && (of.base != ty.base || of.dims != ty.dims) {
                let message = format!("`{}` has another type than `{}`", column.text, param.name.text);
                let found = Diagnostic::new(codes::BAD_QUERY, column.at.0, message);
                out.push(found.help("name a column of the type of the parameter, or give the parameter its type"));
                return None;
            }
            Some((id, at))
        });
        let usual = param.usual.as_ref().and_then(|raw| {
            let before = out.len();
            let found = exprs.seed_value(raw, &ty, out);
            for finding in out[before..].iter_mut().filter(|finding| finding.code == codes::SEED_VALUE) {
                finding.code = codes::BAD_QUERY;
            }
            found
        });
        all.push(QueryParam { name: param.name.text.clone(), ty, nullable: param.ty.nullable, from, usual });
    }
    all
}

/// Longer than any request waits.
const LONGEST: u64 = 3_600_000;

fn within(d: &QueryDecl, out: &mut Vec<Diagnostic>) -> Option<Within> {
    let within = d.within.as_ref()?;
    let unit = if within.unit.text == "s" { 1000 } else { 1 };
    let milliseconds = within.number.saturating_mul(unit);
    if milliseconds == 0 || milliseconds > LONGEST {
        let message = format!("{} {} is no time for a query", within.number, within.unit.text);
        let found = Diagnostic::new(codes::BAD_QUERY, within.unit.at.0, message);
        out.push(found.help("write `within 50 ms p95`, at most an hour"));
        return None;
    }
    let percentile = within.percentile.as_ref().and_then(|p| p.text.trim_start_matches('p').parse().ok());
    Some(Within { milliseconds, percentile: percentile.unwrap_or(95) })
}

type Read = (SmolStr, Vec<Object>, Vec<(SmolStr, Type)>);

/// The statement with its parameters numbered, what it needs and what it gives.
fn body(
    project: &Project<'_>,
    model: &Model,
    d: &QueryDecl,
    params: &[QueryParam],
    out: &mut Vec<Diagnostic>,
) -> Option<Read> {
    let known = Known::new(project, model);
    let text = d.body.text.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    let body = Body {
        text,
        language: Language::Sql,
        name: d.name.text.clone(),
        params: params.iter().map(|param| parameter(&known, param)).collect(),
        path: None,
        trigger: None,
        returns: None,
        gives: Gives::Unknown,
    };
    let found = specc_analysis::body(&known, &body);
    let bad = |message: String, help: &str| Diagnostic::new(codes::BAD_QUERY, d.name.at.0, message).help(help);
    if found.unread {
        match specc_expr::parse_statements(text, d.body.at.0) {
            Err(problem) => out.push(problem),
            Ok(_) => out.push(bad(
                format!("query `{}` cannot be read, so its names and parameters are not known", d.name.text),
                "put what only Postgres reads into a view or a function, and ask that",
            )),
        }
        return None;
    }
    let one = found.given.last().is_some_and(|given| text[..given.start].trim().is_empty());
    let first = specc_split::Lexer::new(text).find_map(Result::ok);
    let asks = first.is_some_and(|token| ["select", "with", "values", "table"].iter().any(|w| token.is(text, w)));
    if !one || !(asks || text.trim_start().starts_with('(')) || !found.written.is_empty() {
        let message = format!("query `{}` is not one `select`", d.name.text);
        out.push(bad(message, "write one query that only reads; what writes is a function"));
        return None;
    }
    if let Some(what) = acts(model, &known, &found) {
        out.push(bad(
            format!("query `{}` {what}", d.name.text),
            "write one query that only reads; what writes is a function",
        ));
        return None;
    }
    let statement = numbered(text, params, &found);
    let output = found.given.last().and_then(|given| given.columns.clone()).unwrap_or_default();
    let column = |(name, ty): (SmolStr, Option<DataType>)| (name, ty.map_or_else(unknown, |ty| known.type_of(&ty)));
    let mut depends: Vec<Object> = found.references.iter().filter_map(|r| known.object(&r.target)).collect();
    depends.sort();
    depends.dedup();
    let broken = !found.findings.is_empty();
    report(found.findings, text, d.body.at.0, out);
    (!broken).then(|| (statement, depends, output.into_iter().map(column).collect()))
}

/// What the query does besides reading: itself, or a function that it calls. One that is not volatile cannot.
fn acts(model: &Model, known: &Known<'_>, found: &Analysis) -> Option<String> {
    if found.acts {
        return Some("changes or locks rows, or takes a number of a sequence".into());
    }
    let mut open = called(known, found);
    let mut seen = open.clone();
    while let Some(at) = open.pop() {
        let function = &model.functions[at];
        let volatile = function.volatility.as_ref().is_none_or(|word| word == "volatile");
        if volatile && function.acts {
            return Some(format!("calls `{}`, which changes rows or locks them", function.name.name));
        }
        let next = function.calls.iter().filter(|_| volatile).copied();
        let next: Vec<usize> = next.filter(|at| !seen.contains(at)).collect();
        seen.extend(&next);
        open.extend(next);
    }
    None
}

fn parameter(known: &Known<'_>, param: &QueryParam) -> Parameter {
    Parameter {
        name: param.name.clone(),
        ty: known.data_type_of(&param.ty),
        any: SmolStr::default(),
        mode: SmolStr::default(),
        default: false,
    }
}

/// `$1` for the first parameter, wherever the analysis says that a name means it.
fn numbered(text: &str, params: &[QueryParam], found: &Analysis) -> SmolStr {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end, name) in &found.parameters {
        let Some(nth) = params.iter().position(|param| param.name == *name) else { continue };
        if *start < at {
            continue;
        }
        out.push_str(&text[at..*start]);
        out.push_str(&format!("${}", nth + 1));
        at = *end;
    }
    out.push_str(&text[at..]);
    out.into()
}

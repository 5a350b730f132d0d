//! Files: the rules of buckets, which are policies of one table, and the folders of paths.

use crate::sorts::{self, Source};
use crate::world::{RowId, Sym, World};
use specc_diag::Span;
use specc_model::formula::{Formula, Node, Operator, Part, Row, Value, Volatility};
use specc_model::{Base, Bucket, Entity, Expr, ExprRef, FieldIx, Model, Rule, Type};
use std::sync::Arc;

/// Whether its rows are files.
pub fn is_files(entity: &Entity) -> bool {
    entity.external && entity.name.schema == "storage" && entity.name.name == "objects"
}

/// For each bucket that has rules the model where they are rules of the files' table, beside its own, each with the
/// condition on the bucket.
pub fn of_buckets(model: &Model) -> Vec<Model> {
    let at = model.entities.iter().position(is_files);
    let bucket_id = at.and_then(|at| model.entities[at].field("bucket_id"));
    let (Some(at), Some(bucket_id)) = (at, bucket_id) else { return Vec::new() };
    let ruled = model.buckets.iter().filter(|bucket| !bucket.rules.is_empty());
    let made = ruled.map(|bucket| {
        let mut made = model.clone();
        let rules = bucket.rules.iter().map(|rule| in_bucket(&model.entities[at], bucket_id, bucket, rule));
        made.entities[at].rules.extend(rules);
        made
    });
    made.collect()
}

/// Whether files stay in their bucket: asked of the table's own rules and those of buckets, each by themselves.
pub fn stay(model: &Model, files: &Entity) -> bool {
    let own = files.rules.iter().filter(|rule| buckets_of(model, rule.span).is_none()).cloned();
    specc_model::effective::files_stay(model, &Entity { rules: own.collect(), ..files.clone() })
}

/// The rule of a bucket as it is written, of which a rule of the files' table was made.
pub fn written<'m>(model: &'m Model, rule: &'m Rule) -> &'m Rule {
    let mut all = model.buckets.iter().flat_map(|bucket| &bucket.rules);
    all.find(|written| written.span == rule.span && written.name == rule.name).unwrap_or(rule)
}

fn in_bucket(files: &Entity, bucket_id: FieldIx, bucket: &Bucket, rule: &Rule) -> Rule {
    let span = rule.span;
    let plain = |node: Node, ty: Type| Formula { node, ty, span, nullable: true, volatility: Volatility::Stable };
    let truth = Type { base: Base::Builtin("boolean".into()), args: Vec::new(), dims: 0 };
    let binary = |op: Operator, a: Formula, b: Formula| plain(Node::Binary(op, Box::new((a, b))), truth.clone());
    let here = || {
        let ty = files.fields[bucket_id].ty.clone();
        let column = plain(Node::Column(Row::Scope(0), bucket_id), ty.clone());
        let name = plain(Node::Literal(Value::Text(bucket.name.clone())), ty);
        binary(Operator::Equal, column, name)
    };
    let within = |expr: Option<&ExprRef>, lets_pass: bool| -> ExprRef {
        let formula = match expr.map(|expr| expr.formula.clone()) {
            None => here(),
            Some(condition) if lets_pass => {
                let elsewhere = plain(Node::Is(Box::new(here()), "not true"), truth.clone());
                binary(Operator::Or, elsewhere, condition)
            }
            Some(condition) => binary(Operator::And, here(), condition),
        };
        let text = expr.map(|expr| expr.text.clone()).unwrap_or_default();
        Arc::new(Expr { formula, text, span: expr.map_or(span, |expr| expr.span) })
    };
    // What a forbidding rule says has to hold, it says of its bucket alone.
    let lets_pass = rule.forbid && (rule.unless || rule.exact);
    let when = rule.when.as_ref();
    Rule {
        when: (when.is_some() || rule.check.is_none()).then(|| within(when, lets_pass)),
        check: rule.check.as_ref().map(|check| within(Some(check), lets_pass)),
        ..rule.clone()
    }
}

/// A folder of a path.
pub struct Folder<'f> {
    /// The row.
    pub row: &'f Row,
    /// Its column with the path.
    pub field: FieldIx,
    /// The first folder is 1.
    pub nth: u8,
}

/// `(storage.foldername(name))[1]`, `split_part(name, '/', 1)`, `(string_to_array(name, '/'))[1]`
pub fn folder(formula: &Formula) -> Option<Folder<'_>> {
    let number = |formula: &Formula| match &formula.bare().node {
        Node::Literal(Value::Number(digits)) => digits.parse::<u8>().ok().filter(|nth| *nth > 0),
        _ => None,
    };
    let (of, nth) = match &formula.bare().node {
        Node::Form(form) => match form.parts.as_slice() {
            [Part::Operand(of, _), Part::Words(open), Part::Operand(nth, _), Part::Words(_)] if open == "[" => {
                (parts_of(of)?, number(nth)?)
            }
            [Part::Words(before), Part::Operand(of, _), Part::Words(open), Part::Operand(nth, _), Part::Words(_)]
                if before == "(" && open == ")[" =>
            {
                (parts_of(of)?, number(nth)?)
            }
            _ => return None,
        },
        Node::Call(call) if call.function.name == "split_part" && call.declared.is_none() => {
            match call.args.as_slice() {
                [(_, of), (_, by), (_, nth)] if by.literal_text() == Some("/") => (of, number(nth)?),
                _ => return None,
            }
        }
        _ => return None,
    };
    column(of).map(|(row, field)| Folder { row, field, nth })
}

/// The path whose folders a formula gives as an array.
pub fn parts_of(formula: &Formula) -> Option<&Formula> {
    let Node::Call(call) = &formula.bare().node else { return None };
    match (call.function.schema.as_str(), call.function.name.as_str(), call.args.as_slice()) {
        ("storage", "foldername", [(_, of)]) => Some(of),
        (_, "string_to_array", [(_, of), (_, by)]) if by.literal_text() == Some("/") => Some(of),
        _ => None,
    }
}

/// The column that a formula is.
pub fn column(formula: &Formula) -> Option<(&Row, FieldIx)> {
    match &formula.bare().node {
        Node::Column(row, field) => Some((row, *field)),
        _ => None,
    }
}

/// What a pattern says of the first folder, or of how a path begins.
pub enum Beginning<'f> {
    /// It is this.
    Folder(&'f Formula),
    /// It is this text.
    Named(&'f str),
}

/// `name like viewer::text || '/%'`, `starts_with(name, 'public/')`: the column, and what its first folder is.
pub fn begins(formula: &Formula) -> Option<(Folder<'_>, Beginning<'_>)> {
    let (of, pattern, ending) = match &formula.bare().node {
        Node::Form(form) if crate::encode::word(form) == Some("like") => {
            let mut operands = form.parts.iter().filter_map(sorts::operand);
            (operands.next()?, operands.next()?, "/%")
        }
        Node::Call(call) if call.function.name == "starts_with" && call.declared.is_none() => {
            match call.args.as_slice() {
                [(_, of), (_, pattern)] => (of, pattern, "/"),
                _ => return None,
            }
        }
        _ => return None,
    };
    let (row, field) = column(of)?;
    let beginning = match &pattern.bare().node {
        Node::Binary(Operator::Other(op), sides) if op == "||" && sides.1.literal_text() == Some(ending) => {
            Beginning::Folder(&sides.0)
        }
        _ => {
            let name = pattern.literal_text()?.strip_suffix(ending)?;
            (!name.contains(['/', '%', '_', '\\'])).then_some(Beginning::Named(name))?
        }
    };
    Some((Folder { row, field, nth: 1 }, beginning))
}

impl World<'_> {
    /// A folder of the path in a column; null where there are not so many.
    pub fn folder(&mut self, row: RowId, field: FieldIx, nth: u8) -> Sym {
        if let Some(sym) = self.folders.get(&(row, field, nth)) {
            return sym.clone();
        }
        if let Some((old, changed)) = &self.rows[row].was
            && !changed.contains(&field)
        {
            let old = *old;
            return self.folder(old, field, nth);
        }
        let path = self.value(row, field);
        let there = self.present(&path);
        let sym = self.any_value(&Source::Folder(self.rows[row].entity, field, nth), true);
        for (lit, _) in sym.cases.iter() {
            self.circuit.clause(&[!*lit, there]);
        }
        self.folders.insert((row, field, nth), sym.clone());
        sym
    }
}

/// The span of a rule of a bucket, or of the files' table.
pub fn buckets_of(model: &Model, span: Span) -> Option<&Bucket> {
    model.buckets.iter().find(|bucket| bucket.rules.iter().any(|rule| rule.span == span))
}

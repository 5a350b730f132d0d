//! What the session says, and other values that stand for one: as a formula writes them.

use crate::sorts::{Source, operand, query};
use crate::values::keeps;
use smol_str::SmolStr;
use specc_model::formula::{Formula, Node, Operator, Part};

/// The value of a query without tables: `(select auth.uid())`.
pub fn wrapped(formula: &Formula) -> Option<&Formula> {
    let select = query(formula.bare())?.select()?;
    match select.output.as_slice() {
        [output] if select.tables.is_empty() && select.conditions.is_empty() => Some(output),
        _ => None,
    }
}

/// What `substring(… from '^…$')` is cut from, by a pattern that takes all of it: it gives that, or null.
pub fn whole(formula: &Formula) -> Option<&Formula> {
    let Node::Form(form) = &formula.bare().node else { return None };
    let words: Vec<&str> = form
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Words(words) => Some(words.trim()),
            _ => None,
        })
        .collect();
    let mut operands = form.parts.iter().filter_map(operand);
    let (of, pattern) = (operands.next()?, operands.next()?.literal_text()?);
    let all = pattern.starts_with('^') && pattern.ends_with('$') && operands.next().is_none();
    (all && words.first() == Some(&"substring(") && words.get(1) == Some(&"from")).then_some(of)
}

/// What the session says, where it is that: who asks, a claim, or what is the same for a whole statement. Supabase's own
/// functions are among it.
pub fn session(formula: &Formula) -> Option<Source> {
    let claim = |keys: Vec<SmolStr>| match keys.as_slice() {
        [only] if only == "sub" => Source::Viewer,
        _ => Source::Claim(keys.into()),
    };
    Some(match &formula.bare().node {
        Node::Viewer => Source::Viewer,
        Node::Claim(keys) => claim(keys.to_vec()),
        Node::Cast(cast) if keeps(&cast.of.ty, &formula.bare().ty) => return session(&cast.of),
        // Of the time of a statement the day, say, is the same for all of it too.
        Node::Cast(cast) => match session(&cast.of)? {
            Source::Session(name) if name == "now" && cast.to.sql == "date" => Source::Session("current_date".into()),
            Source::Session(name) => Source::Session(format!("{name}::{}", cast.to.sql).into()),
            _ => return None,
        },
        Node::Sql(_) => return session(wrapped(formula)?),
        Node::Binary(Operator::Other(op), _) if op == "->>" || op == "->" => claim(keys(formula)?),
        Node::Call(call) if call.args.is_empty() && call.declared.is_none() => {
            match (call.function.schema.as_str(), call.function.name.as_str()) {
                ("auth", "uid") => Source::Viewer,
                ("auth", name @ ("role" | "email")) => claim(vec![name.into()]),
                (_, "current_timestamp" | "localtimestamp" | "transaction_timestamp" | "statement_timestamp") => {
                    Source::Session("now".into())
                }
                (_, name) => Source::Session(name.into()),
            }
        }
        _ => return None,
    })
}

/// Whether it is the key of who is asking.
pub fn is_viewer(formula: &Formula) -> bool {
    session(formula) == Some(Source::Viewer)
}

/// The keys of `auth.jwt() -> 'app_metadata' ->> 'role'`.
fn keys(formula: &Formula) -> Option<Vec<SmolStr>> {
    let of = wrapped(formula).unwrap_or(formula).bare();
    match &of.node {
        Node::Call(call) if call.function.schema == "auth" && call.function.name == "jwt" => Some(Vec::new()),
        Node::Binary(Operator::Other(op), sides) if op == "->>" || op == "->" => {
            let mut keys = keys(&sides.0)?;
            keys.push(sides.1.literal_text()?.into());
            Some(keys)
        }
        _ => None,
    }
}
